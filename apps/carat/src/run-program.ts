import { type Command, CommanderError } from 'commander';
import { CommandFailure, exitCode, say } from './output.js';

/** Runs what the command line asks for, and says by the exit code how it ended. */
export async function runProgram(program: Command): Promise<void> {
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
}
