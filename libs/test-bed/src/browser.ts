import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, LaunchOptions } from 'playwright-core';

const choices =
  'The tests need a browser. Give them one of: CHROME_PATH (a Chrome or Chromium) · ' +
  'Linux on x86-64, where the one that npm brought along (@sparticuz/chromium) runs.';

// It unpacks to the folder for temporary files, and takes what it finds there, even if another version left it. Only a
// process of its own can be given a folder of its own: inside Jest, `process.env` is a copy. The variable of a lambda
// has it bring the libraries that a slim image lacks.
const UNPACK =
  `import chromium from '${import.meta.resolve('@sparticuz/chromium')}'; chromium.setGraphicsMode = false; ` +
  `process.stdout.write(await chromium.executablePath());`;
const AS_IN_A_LAMBDA = { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' };

/** A browser without a window, of one spec's own. */
export interface TestBrowser {
  readonly browser: Browser;
  close(): Promise<void>;
}

/** The browser of CHROME_PATH, else the one that npm brought along. None is a failure. */
export async function openBrowser(): Promise<TestBrowser> {
  const folder = await mkdtemp(join(tmpdir(), 'carat-test-browser-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    // Loading it takes every integration spec a second, and few of them open a browser.
    const { chromium } = await import('playwright-core');
    const given = process.env['CHROME_PATH'];
    const browser = await chromium.launch(
      given === undefined || given === '' ? await unpackedTo(folder) : { executablePath: given },
    );
    const close = async (): Promise<void> => {
      await browser.close();
      await remove();
    };
    return { browser, close };
  } catch (error) {
    await remove();
    throw new Error(`${choices}\n${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

async function unpackedTo(folder: string): Promise<LaunchOptions> {
  const { stdout: executablePath } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', UNPACK],
    { env: { ...process.env, ...AS_IN_A_LAMBDA, TMPDIR: folder } },
  );
  // Its own list of fonts names fixed folders, and without any font a page is laid out as if it had no text.
  const fonts = join(folder, 'fonts.conf');
  const caches = `<cachedir>${join(folder, 'font-cache')}</cachedir>`;
  await writeFile(fonts, `<fontconfig><dir>${join(folder, 'fonts')}</dir>${caches}</fontconfig>`);
  const env = { ...process.env, LD_LIBRARY_PATH: join(folder, 'al2023/lib'), FONTCONFIG_FILE: fonts };
  return { executablePath, env };
}
