import { type InclusionProof, LogDiffers, NothingToProve, proveBalance, proveEvent } from '@carat/audit/prove';
import { type Topic, topicNames } from '@carat/events';
import type { Command } from 'commander';
import { CommandFailure, exitCode, print } from '../output.js';
import { type SealOptions, withSeals } from './with-seals.js';

interface ProveOptions extends SealOptions {
  readonly balance?: string;
  readonly event?: string;
  readonly seal?: string;
}

/** `carat audit prove`: one balance or one event, with what leads from it to a seal. */
export const addProve = (audit: Command): Command =>
  audit
    .command('prove')
    .description('print the proof that a seal holds one balance or one event; verify-bundle checks it')
    .option('--seals <file>', 'the seals of the log, one a line; without it those in the database')
    .option('--balance <creatorId>', "a creator's balance")
    .option('--event <topic/partition/offset>', 'a record of the log; one seal covers it')
    .option('--seal <n>', 'the seal at which a balance is proven; without it the last one')
    .action((options: ProveOptions) => prove(options));

async function prove(options: ProveOptions): Promise<void> {
  const wanted = wantedIn(options);
  const proof = await withSeals(
    options,
    (log, seals): Promise<InclusionProof> =>
      'creatorId' in wanted
        ? proveBalance(log, seals, wanted.creatorId, wanted.seal)
        : proveEvent(log, seals, wanted.place),
  ).catch((error: unknown) => {
    if (error instanceof NothingToProve) throw new CommandFailure(exitCode.notFound, error.message);
    if (error instanceof LogDiffers) throw new CommandFailure(exitCode.differs, error.message);
    throw error;
  });
  print(JSON.stringify(proof));
}

type Place = Parameters<typeof proveEvent>[2];
type Wanted = { readonly creatorId: string; readonly seal: number | undefined } | { readonly place: Place };

function wantedIn({ balance, event, seal }: ProveOptions): Wanted {
  const mistake = (sentence: string) => new CommandFailure(exitCode.usage, sentence);
  if ((balance === undefined) === (event === undefined)) throw mistake('prove expects --balance or --event');
  if (balance !== undefined) {
    if (seal !== undefined && !/^[1-9]\d{0,14}$/.test(seal)) throw mistake('--seal expects the number of a seal');
    return { creatorId: balance, seal: seal === undefined ? undefined : Number(seal) };
  }
  if (seal !== undefined) throw mistake('--seal goes with --balance: an event is under the one seal that covers it');
  const [, topic, partition, offset] = /^([\w.]+)\/(\d{1,4})\/(\d{1,18})$/.exec(event ?? '') ?? [];
  if (partition === undefined || offset === undefined || !topicNames.includes(topic as Topic))
    throw mistake('--event expects topic/partition/offset, like gift.events.v1/3/1017');
  return { place: { topic: topic as Topic, partition: Number(partition), offset: BigInt(offset) } };
}
