import { contentHash } from '@carat/events';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Problem, type ProblemCode } from './problems.js';

/** A request that happens once. Its identity is principal, route and key; the body has to be the same every time. */
export interface Asked {
  readonly principal: string;
  /** Method and path, with the ids that are in the path. */
  readonly route: string;
  readonly key: string;
  /** The parsed body. */
  readonly body: unknown;
}

/** An answer, and whether it is one that was given before. */
export interface Answered<T> {
  readonly answer: T;
  readonly replayed: boolean;
}

interface StoredRow {
  readonly bodyHash: string;
  readonly problem: ProblemCode | null;
  readonly answer: object;
}

const REPLAYED = { 'idempotency-replayed': 'true' };

// A try and not a wait: who sends a request again while the first one runs is told so at once. Two keys that hash alike
// keep each other out now and then, and nothing worse.
const LOCK = 'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS locked';
const FIND = `SELECT body_hash AS "bodyHash", problem, answer FROM access.idempotency
  WHERE principal = $1 AND route = $2 AND key = $3`;
const STORE = `INSERT INTO access.idempotency (principal, route, key, body_hash, problem, answer)
  VALUES ($1, $2, $3, $4, $5, $6)`;

/** What the caller did wrong stays wrong; who may not come in now, or comes too often, may well come in later. */
const isFinal = (error: unknown): error is Problem =>
  error instanceof Problem && error.status < 500 && error.status !== 401 && error.status !== 429;

/** Requests under an Idempotency-Key. What they do and their answer commit in one transaction. */
@Injectable()
export class IdempotentRequests {
  constructor(private readonly db: DataSource) {}

  /**
   * Does what is asked, or answers as the first time. A refusal undoes what `act` did and is remembered like an answer;
   * any other failure leaves nothing behind, so that the request can be sent again.
   * @throws Problem `idempotency_key_in_use`, `idempotency_key_reused`, and whatever `act` threw, then or now
   */
  async once<T extends object>(asked: Asked, act: (tx: EntityManager) => Promise<Answered<T>>): Promise<Answered<T>> {
    const { principal, route, key } = asked;
    const bodyHash = contentHash('request', asked.body);
    const outcome = await this.db.transaction(async (tx) => {
      const [{ locked }] = (await tx.query(LOCK, [JSON.stringify([principal, route, key])])) as [{ locked: boolean }];
      if (!locked) throw new Problem('idempotency_key_in_use');
      const [stored] = (await tx.query(FIND, [principal, route, key])) as StoredRow[];
      if (stored !== undefined) return replayOf<T>(stored, bodyHash);
      // The inner transaction is a savepoint: a refusal goes back to it and can still be stored.
      const done = await tx.transaction(act).catch((error: unknown) => {
        if (isFinal(error)) return error;
        throw error;
      });
      const [problem, answer] = done instanceof Problem ? [done.code, textsOf(done)] : [null, done.answer];
      await tx.query(STORE, [principal, route, key, bodyHash, problem, JSON.stringify(answer)]);
      return done;
    });
    if (outcome instanceof Problem) throw outcome;
    return outcome;
  }
}

const textsOf = ({ more: { detail, errors } }: Problem): object => ({ detail, errors });

function replayOf<T>({ bodyHash, problem, answer }: StoredRow, askedHash: string): Answered<T> | Problem {
  if (bodyHash !== askedHash) throw new Problem('idempotency_key_reused');
  if (problem !== null) return new Problem(problem, { ...answer, headers: REPLAYED });
  return { answer: answer as T, replayed: true };
}
