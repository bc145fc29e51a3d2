import { Command } from 'commander';
import { addAudit } from './audit/audit.js';
import { addBench } from './bench.js';
import { addKeys } from './keys.js';
import { runProgram } from './run-program.js';

const program = new Command('carat')
  .description('The command line of Carat. Data goes to stdout, everything else to stderr.')
  .enablePositionalOptions()
  .exitOverride()
  .showHelpAfterError('(--help tells more)');
addKeys(program);
await addAudit(program, process.argv[3]);
addBench(program);

await runProgram(program);
