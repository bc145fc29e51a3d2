import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FlowHalted } from '@carat/event-log';
import type { Seal } from './seal.js';
import { lineOfSeal, SealMalformed, sealOnLine } from './seal-line.js';

const LINE_FEED = 0x0a;
const LOOK_BACK_BYTES = 65_536;

/** The file of a log's seals in a folder: one line per seal, in their order. */
export const sealFileOf = (folder: string, logId: string): string => join(folder, `${encodeURIComponent(logId)}.jsonl`);

/** A file of seals says otherwise than the database: one of them is not what the notary left behind. */
export class SealFileContradicts extends FlowHalted {
  constructor(path: string, number: number, why: string) {
    super(`${path} ends with seal ${number}, ${why}; nothing more is sealed before somebody has looked`);
  }
}

/**
 * The seals in a file from a number on, in its order. Whether they follow from each other is not looked at.
 * @throws SealMalformed naming the line; the error of the system when the file cannot be opened
 */
export async function* readSealFile(path: string, from = 1): AsyncGenerator<Seal> {
  let unfinished = '';
  let count = 0;
  for await (const chunk of createReadStream(path, 'utf8')) {
    const lines = (unfinished + chunk).split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of lines) {
      const seal = sealOnLine(line, `line ${++count} of ${path}`);
      if (seal.content.number >= from) yield seal;
    }
  }
  if (unfinished !== '') throw new SealMalformed(`line ${count + 1} of ${path}`, 'the file ends within the line');
}

/** Where an outsider finds the seals without asking the database. */
export class SealFile {
  constructor(private readonly path: string) {}

  /**
   * Makes the file what the database has: what a crash left of a line goes, what it left out is written. Only the last
   * line is compared; that every line before follows is for whoever verifies.
   * @throws SealFileContradicts
   */
  async complete(
    sealOf: (number: number) => Promise<Seal | undefined>,
    sealsFrom: (number: number) => AsyncIterable<Seal>,
  ): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true });
    const file = await open(this.path, 'a+', 0o644);
    try {
      const { line, end } = await lastLineOf(file);
      await file.truncate(end);
      const last = line === undefined ? 0 : await this.numberOf(line, sealOf);
      for await (const seal of sealsFrom(last + 1)) await file.appendFile(`${lineOfSeal(seal)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder(dirname(this.path));
  }

  /** Resolves once the disk has it. */
  async append(seal: Seal): Promise<void> {
    const file = await open(this.path, 'a', 0o644);
    try {
      await file.appendFile(`${lineOfSeal(seal)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  private async numberOf(line: string, sealOf: (number: number) => Promise<Seal | undefined>): Promise<number> {
    const { number } = sealOnLine(line, `the last line of ${this.path}`).content;
    const kept = await sealOf(number);
    if (kept === undefined) throw new SealFileContradicts(this.path, number, 'which the database does not have');
    if (lineOfSeal(kept) !== line) throw new SealFileContradicts(this.path, number, 'the database has another');
    return number;
  }
}

/** The last line that was finished, and how many bytes the file has up to its end. Read from the back. */
async function lastLineOf(file: FileHandle): Promise<{ line: string | undefined; end: number }> {
  const { size } = await file.stat();
  let tail = Buffer.alloc(0);
  for (let start = size; start > 0; ) {
    const length = Math.min(LOOK_BACK_BYTES, start);
    start -= length;
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, start);
    tail = Buffer.concat([buffer, tail]);
    const end = tail.lastIndexOf(LINE_FEED);
    const begin = end <= 0 ? -1 : tail.lastIndexOf(LINE_FEED, end - 1);
    if (end >= 0 && (begin >= 0 || start === 0))
      return { line: tail.toString('utf8', begin + 1, end), end: start + end + 1 };
  }
  return { line: undefined, end: 0 };
}

/** A file that is new is not there after a loss of power unless its folder is written, too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
