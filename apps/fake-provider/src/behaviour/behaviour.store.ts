import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Behaviour } from './behaviour.js';

/** How the provider behaves now. */
@Injectable()
export class CurrentBehaviour {
  constructor(private readonly db: DataSource) {}

  async read(): Promise<Behaviour> {
    const [row] = (await this.db.query('SELECT behaviour FROM fake_provider.provider')) as [{ behaviour: unknown }];
    return Behaviour.parse(row.behaviour);
  }

  /** Counts for payouts that are asked for from now on, and for days of settlement files that were not closed yet. */
  async replace(behaviour: Behaviour): Promise<void> {
    await this.db.query('UPDATE fake_provider.provider SET behaviour = $1', [JSON.stringify(behaviour)]);
  }
}
