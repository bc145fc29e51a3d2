import type { Socket } from 'node:net';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Calls that get no answer: they are held open past the caller's patience, and hung up on. */
@Injectable()
export class HeldCalls implements OnModuleDestroy {
  private readonly held = new Set<Socket>();
  private isClosing = false;

  /** Resolves when the connection is gone: after `forMs`, or when the caller hangs up or the process stops. */
  async hold(socket: Socket, forMs: number): Promise<void> {
    if (this.isClosing) socket.destroy();
    const timer = setTimeout(() => socket.destroy(), forMs);
    this.held.add(socket);
    if (!socket.closed) await new Promise((gone) => socket.once('close', gone));
    this.held.delete(socket);
    clearTimeout(timer);
  }

  // Before the server closes, for that waits for every call to come to its end.
  onModuleDestroy(): void {
    this.isClosing = true;
    for (const socket of this.held) socket.destroy();
  }
}
