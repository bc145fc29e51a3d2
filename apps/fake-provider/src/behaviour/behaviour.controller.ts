import { Answers } from '@carat/http-edge';
import { Body, Controller, Get, Put } from '@nestjs/common';
import { TakesProviderKey } from '../provider-key.controller.js';
import { Behaviour } from './behaviour.js';
import { CurrentBehaviour } from './behaviour.store.js';

/** How the provider misbehaves. */
@Controller('fake-provider/v1/behaviour')
@TakesProviderKey()
export class BehaviourController {
  constructor(private readonly current: CurrentBehaviour) {}

  @Get()
  @Answers(Behaviour)
  read(): Promise<Behaviour> {
    return this.current.read();
  }

  /** Replaces all of it: what is left out is calm again. */
  @Put()
  @Answers(Behaviour)
  async replace(@Body({ schema: Behaviour }) behaviour: Behaviour): Promise<Behaviour> {
    await this.current.replace(behaviour);
    return behaviour;
  }
}
