import { LOG_SOURCES } from '@carat/audit/log-source';
import type { Command } from 'commander';

type AddVerb = (audit: Command) => Command;

/** What one verb stands on takes longer to load than most of them take to answer: the others are left alone. */
const answering: Readonly<Record<string, () => Promise<AddVerb>>> = {
  verify: async () => (await import('../verify/verify.js')).addVerify,
  replay: async () => (await import('../replay/replay.js')).addReplay,
  'as-of': async () => (await import('../as-of/as-of.js')).addAsOf,
  explain: async () => (await import('../explain/explain.js')).addExplain,
  'what-if': async () => (await import('../what-if/what-if.js')).addWhatIf,
  'blast-radius': async () => (await import('../blast-radius/blast-radius.js')).addBlastRadius,
  bundle: async () => (await import('../bundle/bundle.js')).addBundle,
  prove: async () => (await import('../bundle/prove.js')).addProve,
};

/**
 * `carat audit <verb>`: answers from the log alone.
 * @param verb the one that is asked for; where there is none of that name, all are there to be told of
 */
export async function addAudit(program: Command, verb: string | undefined): Promise<void> {
  const audit = program.command('audit').description('answers from the log alone; nothing here can write to it');
  const asked = verb !== undefined && Object.hasOwn(answering, verb) ? answering[verb] : undefined;
  for (const load of asked === undefined ? Object.values(answering) : [asked])
    (await load())(audit)
      .option('--source <source>', `where the log is: ${LOG_SOURCES}`, 'env')
      .option('--json', 'print JSON')
      .option('--quiet', 'say nothing but the answer');
  // It asks nobody but its file, and is a program by itself for whoever wants nothing else loaded.
  if (asked === undefined) (await import('../bundle/verify-bundle.js')).addVerifyBundle(audit);
}
