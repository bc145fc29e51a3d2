import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CommandFailure, exitCode, print } from './output.js';

// From src/ and from dist/ alike.
const BENCHMARKS = new URL('../../../bench/', import.meta.url);

/** `carat bench <name>`: a script of bench/ in a process of its own, with the arguments that follow the name. */
export function addBench(program: Command): void {
  program
    .command('bench')
    .description('run a benchmark with its baselines; without a name, list them')
    .argument('[name]')
    .argument('[args...]', 'handed on to the benchmark')
    .allowUnknownOption()
    .passThroughOptions()
    .action(runBenchmark);
}

async function runBenchmark(name: string | undefined, args: readonly string[]): Promise<void> {
  const files = (await readdir(BENCHMARKS).catch(() => [])).filter((file) => /^[\w-]+\.(js|ts)$/.test(file));
  const names = files.map((file) => file.slice(0, -'.js'.length)).sort();
  if (name === undefined) {
    for (const each of names) print(each);
    return;
  }
  const file = files.find((each) => each.slice(0, -'.js'.length) === name);
  if (file === undefined)
    throw new CommandFailure(
      exitCode.notFound,
      `there is no benchmark ${name}; there are: ${names.join(', ') || 'none'}`,
    );
  const script = fileURLToPath(new URL(file, BENCHMARKS));
  const child = spawn(process.execPath, ['--enable-source-maps', script, ...args], { stdio: 'inherit' });
  const [code] = (await once(child, 'close')) as [number | null];
  // A child that a signal ended has no code.
  process.exitCode = code ?? 1;
}
