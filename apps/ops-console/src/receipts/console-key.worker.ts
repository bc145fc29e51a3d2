import { ApiKeys } from '@carat/http-edge';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/**
 * The console's own key, an auditor's. Its text is in the memory of this process and nowhere else; it is made when it
 * is first needed, made anew when somebody has revoked it, and revoked when the process stops.
 */
@Injectable()
export class ConsoleKey implements OnModuleDestroy {
  private made: ReturnType<ApiKeys['create']> | undefined;

  constructor(private readonly keys: ApiKeys) {}

  /** What goes into the header `authorization`. */
  async authorization(): Promise<string> {
    const before = this.made;
    // Who clears away the keys that crashed processes left cannot tell them from the one in use. Of several requests
    // that find it revoked, the first makes the next one.
    const isGood = before === undefined || (await this.keys.isInForce((await before).keyId));
    if (!isGood && this.made === before) this.made = undefined;
    this.made ??= this.keys.create({ role: 'auditor', principal: 'system:ops-console' });
    const { made } = this;
    // A database that was away for once must not keep the console without a key.
    made.catch(() => {
      if (this.made === made) this.made = undefined;
    });
    return `Bearer ${(await made).key}`;
  }

  async onModuleDestroy(): Promise<void> {
    const made = await this.made?.catch(() => undefined);
    if (made !== undefined) await this.keys.revoke(made.keyId);
  }
}
