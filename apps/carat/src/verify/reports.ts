import { access, constants, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import type { AuditReport } from '@carat/audit/audit-report';
import { Option } from 'commander';
import { CommandFailure, exitCode } from '../output.js';

/** Who says a report, and when. */
interface Origin {
  /** RFC 3339. */
  readonly generatedAt: string;
  readonly codeVersion: string;
}

// Loaded when a report is asked for: a library of charts is no part of how fast `carat` starts.
const writers: Readonly<Record<string, (report: AuditReport, origin: Origin) => Promise<string>>> = {
  '.html': async (report, origin) => (await import('@carat/audit/html-report')).htmlOfReport(report, origin),
  '.md': async (report, origin) => (await import('@carat/audit/markdown-report')).markdownOfReport(report, origin),
};

function writerOf(file: string) {
  const writer = writers[extname(file).toLowerCase()];
  if (writer === undefined)
    throw new CommandFailure(exitCode.usage, `--report expects a file.html or a file.md, not ${file}`);
  return writer;
}

/** `--report <file>`, as often as it is wanted. A file of another kind is a mistake of the caller. */
export const reportOption = (): Option =>
  new Option('--report <file>', 'also write a report for people, file.html or file.md; may be given again').argParser(
    (file: string, before: readonly string[] = []): readonly string[] => {
      writerOf(file);
      return [...before, file];
    },
  );

/**
 * Looks, before the log is read, whether the reports could be written: reading may take minutes.
 * @throws CommandFailure naming the folder
 */
export async function expectWritable(files: readonly string[]): Promise<void> {
  for (const file of files)
    await access(dirname(file), constants.W_OK).catch((error: Error) => {
      throw new CommandFailure(exitCode.usage, `--report ${file}: its folder cannot be written to: ${error.message}`);
    });
}

/**
 * Writes the report to each file, in the form that the file's name asks for.
 * @throws CommandFailure naming the file that could not be written
 */
export async function writeReports(report: AuditReport, files: readonly string[], origin: Origin): Promise<void> {
  for (const file of files) {
    await writeFile(file, await writerOf(file)(report, origin)).catch((error: Error) => {
      throw new CommandFailure(exitCode.unreachable, `the report ${file} was not written: ${error.message}`);
    });
  }
}
