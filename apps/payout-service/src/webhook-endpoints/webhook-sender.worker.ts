import { lookup as resolve } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, buildConnector, request } from 'undici';
import { isPublicAddress, type Reach, spelledUrl, type UrlRefusal } from './allowed-url.js';

/** Every address of a name, as whatever connects would get them. Throws what Node's resolver throws. */
export type Lookup = (name: string) => Promise<readonly string[]>;

const lookupOfSystem: Lookup = async (name) => (await resolve(name, { all: true })).map(({ address }) => address);

const ANSWERED_WITHIN_MS = 10_000;
const LOOKED_UP_WITHIN_MS = 5_000;
const LARGEST_ANSWER_BYTES = 64 * 1024;

interface SenderOptions extends Reach {
  readonly lookup?: Lookup;
  /** For all of an attempt, from looking its host up to the last byte that is read; or for looking up alone. */
  readonly timeoutMs?: number;
}

/** What came of one attempt: a status when there was an answer, and a code for what went wrong. */
export interface Answer {
  readonly status?: number;
  readonly error?: string;
}

/** An address that may be called, and as what; or why it may not be, or that nobody could tell just now. */
export type CheckedUrl = { readonly href: string } | { readonly refused: UrlRefusal } | { readonly unknown: true };

class AddressNotPublic extends Error {
  readonly code = 'address_not_public';
}

/**
 * Whether a webhook may go to this address. What its name stands for is looked up, and none of it may be private. That
 * is only so that a mistake is seen at once: a name may stand for something else later, so `send` looks again.
 */
export async function checkUrl(
  text: string,
  { allowPrivate, lookup = lookupOfSystem, timeoutMs = LOOKED_UP_WITHIN_MS }: SenderOptions,
): Promise<CheckedUrl> {
  const spelled = spelledUrl(text, { allowPrivate });
  if ('refused' in spelled || spelled.name === undefined) return spelled;
  const late = sleep(timeoutMs, undefined, { ref: false });
  const addresses = await Promise.race([lookup(spelled.name).catch(notFoundOrUnknown), late]);
  if (addresses === undefined) return { unknown: true };
  if (addresses.length === 0) return { refused: 'host_not_found' };
  return addresses.every(isPublicAddress) ? { href: spelled.href } : { refused: 'address_not_public' };
}

const notFoundOrUnknown = (error: unknown): readonly string[] | undefined =>
  (error as { code?: unknown }).code === 'ENOTFOUND' ? [] : undefined;

/** The one way out: it connects to public addresses only, sends one POST, follows nothing and never throws. */
export class WebhookSender {
  private readonly agent: Agent;
  private readonly timeoutMs: number;

  constructor({ allowPrivate, lookup = lookupOfSystem, timeoutMs = ANSWERED_WITHIN_MS }: SenderOptions) {
    const isAllowed = (address: string): boolean => allowPrivate || isPublicAddress(address);
    const connect = buildConnector({ lookup: guarded(lookup, isAllowed), timeout: timeoutMs, allowH2: false });
    this.agent = new Agent({
      // Of an address in figures nothing is looked up, so it is looked at here.
      connect: (options, callback) =>
        isIP(options.hostname) !== 0 && !isAllowed(options.hostname)
          ? callback(new AddressNotPublic(), null)
          : connect(options, callback),
    });
    this.timeoutMs = timeoutMs;
  }

  /** Sends a JSON body once. Every attempt has a connection of its own, so that its address is one that was checked. */
  async send(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Answer> {
    const signal = AbortSignal.timeout(this.timeoutMs);
    try {
      const answer = await request(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'user-agent': 'carat-webhooks' },
        body,
        dispatcher: this.agent,
        signal,
        reset: true,
      });
      // The status says it all. The rest is read only so that whoever sends it is not cut off.
      await answer.body.dump({ limit: LARGEST_ANSWER_BYTES, signal }).catch(() => undefined);
      return answeredWith(answer.statusCode);
    } catch (error) {
      return { error: signal.aborted ? 'timeout' : codeOf(error) };
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

/** A look-up that fails when any of its answers is not allowed, so that nothing is left to chance or to a race. */
function guarded(lookup: Lookup, isAllowed: (address: string) => boolean): LookupFunction {
  return (name, { all }, done) => {
    lookup(name).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        const [first] = found;
        if (first === undefined || !addresses.every(isAllowed)) done(new AddressNotPublic(), []);
        else if (all === true) done(null, found);
        else done(null, first.address, first.family);
      },
      (error: unknown) => done(error as NodeJS.ErrnoException, []),
    );
  };
}

const answeredWith = (status: number): Answer =>
  status >= 300 && status < 400 ? { status, error: 'redirect_not_followed' } : { status };

/** An error's code and nothing else of it: its message may hold anything. */
function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : 'connection_failed';
}
