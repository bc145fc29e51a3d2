import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { FlowHalted } from '@carat/event-log';
import { Seal } from '../seals/seal.js';
import { linesIn } from '../verify-bundle/lines-in.js';
import { Malformed, readJson } from './bundle-line.js';
import type { SealSource } from './period.js';

/**
 * The seals in a file, one a line. The file is read anew for every question.
 * @throws FlowHalted from the reading, naming the line; the error of the system when the file cannot be opened
 */
export async function sealsInFile(path: string): Promise<SealSource> {
  await access(path, constants.R_OK);
  return async function* (fromNumber) {
    let line = 0;
    for await (const text of linesIn(createReadStream(path))) {
      line += 1;
      const seal = sealOn(text, line);
      if (seal.content.number >= fromNumber) yield seal;
    }
  };
}

function sealOn(text: string, line: number): Seal {
  try {
    return readJson(Seal, text);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new FlowHalted(`line ${line} of the file of seals is no seal: ${error.message}`);
  }
}
