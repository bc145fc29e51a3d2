import { Id } from '@carat/events';
import { z } from 'zod';
import { TiedOut } from '../reconcile-payouts/tied-out.js';
import { Day } from './settlement-line.js';

/** What importing a file came to. The same file again is answered the same. */
export const ImportedFile = z.object({
  fileId: Id,
  sha256: z.string(),
  provider: Id,
  day: z.iso.date().meta({ description: 'the UTC day that the file is of' }),
  lines: z.int().meta({ description: 'that stand in it' }),
  imported: z.int().meta({ description: 'of them, those that no file had brought before' }),
  outcomes: z.record(z.string(), z.int()).meta({ description: 'of the payouts that it names' }),
  tieOut: z.array(TiedOut),
});
export type ImportedFile = Readonly<z.infer<typeof ImportedFile>>;

/** Where a file comes from. */
export const ImportQuery = z.object({
  provider: Id.default('fake'),
  day: Day.optional().meta({ description: 'absent: the last day on which something in it moved' }),
});
export type ImportQuery = z.infer<typeof ImportQuery>;
