import { Command, CommanderError } from 'commander';
import { addAudit } from './audit/audit.js';
import { addBench } from './bench.js';
import { addKeys } from './keys.js';
import { CommandFailure, exitCode, say } from './output.js';

const program = new Command('carat')
  .description('The command line of Carat. Data goes to stdout, everything else to stderr.')
  .enablePositionalOptions()
  .exitOverride()
  .showHelpAfterError('(--help tells more)');
addKeys(program);
addAudit(program);
addBench(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommandFailure) {
    say(error.message);
    process.exitCode = error.code;
  } else if (error instanceof CommanderError) {
    // Commander has said what is wrong. Help that was asked for is no mistake.
    process.exitCode = error.exitCode === 0 ? exitCode.done : exitCode.usage;
  } else throw error;
}
