import { LOG_SOURCES } from '@carat/audit/log-source';
import type { Command } from 'commander';
import { addBlastRadius } from '../blast-radius/blast-radius.js';
import { addBundle } from '../bundle/bundle.js';
import { addProve } from '../bundle/prove.js';
import { addVerifyBundle } from '../bundle/verify-bundle.js';
import { addReplay } from '../replay/replay.js';
import { addAsOf } from './as-of.js';
import { addExplain } from './explain.js';
import { addVerify } from './verify.js';
import { addWhatIf } from './what-if.js';

/** `carat audit <verb>`: answers from the log alone. */
export function addAudit(program: Command): void {
  const audit = program.command('audit').description('answers from the log alone; nothing here can write to it');
  for (const addVerb of [addVerify, addReplay, addAsOf, addExplain, addWhatIf, addBlastRadius, addBundle, addProve])
    addVerb(audit)
      .option('--source <source>', `where the log is: ${LOG_SOURCES}`, 'env')
      .option('--json', 'print JSON')
      .option('--quiet', 'say nothing but the answer');
  // It asks nobody but its file.
  addVerifyBundle(audit);
}
