import { ApiKeys } from '@carat/http-edge';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/**
 * The console's own key, an auditor's. Its text is in the memory of this process and nowhere else; it is made when it
 * is first needed, and revoked when the process stops.
 */
@Injectable()
export class ConsoleKey implements OnModuleDestroy {
  private made: ReturnType<ApiKeys['create']> | undefined;

  constructor(private readonly keys: ApiKeys) {}

  /** What goes into the header `authorization`. */
  async authorization(): Promise<string> {
    this.made ??= this.keys.create({ role: 'auditor', principal: 'system:ops-console' });
    // A database that was away for once must not keep the console without a key.
    this.made.catch(() => {
      this.made = undefined;
    });
    return `Bearer ${(await this.made).key}`;
  }

  async onModuleDestroy(): Promise<void> {
    const made = await this.made?.catch(() => undefined);
    if (made !== undefined) await this.keys.revoke(made.keyId);
  }
}
