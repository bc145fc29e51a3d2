import { LOG_SOURCES } from '@carat/audit/log-source';
import type { Command } from 'commander';
import { addAsOf } from '../as-of/as-of.js';
import { addBlastRadius } from '../blast-radius/blast-radius.js';
import { addBundle } from '../bundle/bundle.js';
import { addProve } from '../bundle/prove.js';
import { addVerifyBundle } from '../bundle/verify-bundle.js';
import { addExplain } from '../explain/explain.js';
import { addReplay } from '../replay/replay.js';
import { addVerify } from '../verify/verify.js';
import { addWhatIf } from '../what-if/what-if.js';

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
