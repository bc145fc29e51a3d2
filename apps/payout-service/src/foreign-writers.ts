import type { Poison } from '@carat/event-log';

interface Written {
  readonly position: Poison['position'];
  readonly type: string;
  readonly id: string;
  /** Its offset in the journal, where the relay of its owner has carried it. */
  readonly sequence?: string | undefined;
}

/**
 * Tells events that their owner's journal has carried from those that somebody else has put onto the topic. On Kafka
 * others may write too, and what the relay of the owner did not number says nothing; the journal has one writer alone.
 */
export function byWriter<Event extends Written>(
  events: readonly Event[],
  { KAFKA_BROKERS }: { readonly KAFKA_BROKERS?: unknown },
): { readonly own: readonly Event[]; readonly foreign: readonly Poison[] } {
  const isForeign = ({ sequence }: Event): boolean => KAFKA_BROKERS !== undefined && sequence === undefined;
  return {
    own: events.filter((event) => !isForeign(event)),
    foreign: events.filter(isForeign).map(({ position, type, id }) => ({
      position,
      code: 'foreign_writer',
      detail: `${type} ${id} did not come from the journal of its writer`,
    })),
  };
}
