// A process that follows gifts into public.seen and dies on the gift of 4 coins, as one does of a bug in native code or
// of memory. Node runs it as it stands: DATABASE_URL.
import { openJournalLog } from '@carat/event-log/journal';
import { project } from '@carat/event-log/nest';
import { DataSource } from 'typeorm';

const { DATABASE_URL = '' } = process.env;
const db = await new DataSource({ type: 'postgres', url: DATABASE_URL }).initialize();
const log = await openJournalLog({ db, databaseUrl: DATABASE_URL, onAlarm: () => process.exit(1) });
const parkBy = ({ subject }: { readonly subject?: string | undefined }): string | undefined => subject;
await project(log, db, { group: 'test.rows', from: ['gift.events.v1'], parkBy }, async (events, tx) => {
  const coins = events.map((event) => (event.type === 'carat.gift.sent.v1' ? event.data.coins : -1));
  if (coins.includes(4)) process.kill(process.pid, 'SIGKILL');
  await tx.query('INSERT INTO public.seen SELECT unnest($1::bigint[])', [coins]);
});
