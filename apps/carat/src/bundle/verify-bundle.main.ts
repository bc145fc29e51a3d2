import { Command } from 'commander';
import { runProgram } from '../run-program.js';
import { addVerifyBundle } from './verify-bundle.js';

// A program by itself, for whoever has a bundle and no Carat: no database, no broker and no service is loaded.
const program = new Command('carat-audit').exitOverride().showHelpAfterError('(--help tells more)');
addVerifyBundle(program);

await runProgram(program);
