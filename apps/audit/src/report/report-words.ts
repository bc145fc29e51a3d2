import type { Finding, Pass, PassResult } from '../verify/audit-report.js';

/** What a pass means to somebody who keeps books and reads no code. */
interface PassWords {
  /** True when the pass is proven. */
  readonly claim: string;
  /** What to do when it found something. */
  readonly next: string;
}

/** Every pass in plain words. */
export const passWords: Readonly<Record<Pass, PassWords>> = {
  schema: {
    claim: 'Every record of the log can be read, and says what an event of its kind has to say.',
    next: 'Ask who wrote the record at that position: no service of Carat writes one that cannot be read.',
  },
  seals: {
    claim: 'Nothing was changed, removed, added or moved since it was sealed, and each seal is signed by a known key.',
    next: 'Treat it as tampering until it is explained: set the seal files aside, and compare a bundle kept outside.',
  },
  offsets: {
    claim: 'No record is missing between the first and the last one.',
    next: 'Do not rely on any total until the missing records are found: look for them in a backup of the journal.',
  },
  journal: {
    claim: 'The log that the services read holds exactly what their own books of entry hold.',
    next: 'Ask operations for the relay of that topic: something was lost on the way, or was written past it.',
  },
  credits: {
    claim: 'Every gift was credited once, at the rate in force when it was given, rounded as that rate says.',
    next: 'Explain the gift (carat audit explain); the difference is corrected by an event that two people approve.',
  },
  coins: {
    claim:
      'Every coin that was spent had been bought or vouched for, and of no purchase more was spent than it bought.',
    next: 'Look at the purchase: coins were spent that nobody paid for, or a refund was forgotten.',
  },
  redemptions: {
    claim: 'Every redemption took only steps that are allowed, and was covered by what the creator had then.',
    next: 'Stop the payout if it is not out yet; if it is, reconcile it with the lines of the payout provider.',
  },
  transfers: {
    claim: 'Every event that moves diamonds has its one line in the ledger, and every line its event.',
    next: 'Explain the event. A line without an event was not written by Carat: ask who has access to the database.',
  },
  balances: {
    claim: 'Every balance shown to a creator is what the events add up to.',
    next: 'Compare with a replay of the balances (carat audit replay): the log is right, and balances follow from it.',
  },
  'double-entry': {
    claim: 'Whatever was taken from one account was put on another: debits equal credits.',
    next: 'Look at the transfers named here first: the ledger does not add up, so no statement drawn from it does.',
  },
  conservation: {
    claim: 'Coins and diamonds came from where they had to come from, and all of them are accounted for.',
    next: 'Start with the other findings: a sum that does not add up is the outcome of one of them.',
  },
  'dead-letters': {
    claim: 'Everything that could not be handled was set aside with its reason, and nothing was dropped.',
    next: 'Have operations look at the dead letter in the console and redrive it, or record why it is left out.',
  },
  'rate-book': {
    claim: 'One approved rate, and only one, was in force in each market at every moment, approved by a second person.',
    next: 'Look at who proposed and who approved the rate, and what was credited under it (carat audit blast-radius).',
  },
};

/** How a pass ended, and how all of them did. The word tells it; the mark beside it only helps the eye. */
interface StateWords {
  readonly mark: string;
  readonly name: string;
  readonly meaning: string;
}

export const stateWords: Readonly<Record<PassResult['state'], StateWords>> = {
  proven: {
    mark: '✓',
    name: 'Proven',
    meaning: 'Everything was looked at, from the first record on, and all of it is as it has to be.',
  },
  differs: {
    mark: '✗',
    name: 'Differs',
    meaning: 'Something is not as it has to be. Each case is among the findings, with what to do about it.',
  },
  incomplete: {
    mark: '?',
    name: 'Incomplete',
    meaning: 'Not everything could be looked at, so nothing is claimed: neither that it is right nor that it is wrong.',
  },
  absent: { mark: '–', name: 'Nothing to check', meaning: 'This log, or this place, has nothing of the kind.' },
};

/** `gift_not_credited` as a person would say it. */
export const sentenceOfCode = ({ code }: Pick<Finding, 'code'>): string => {
  const words = code.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};
