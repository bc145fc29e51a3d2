import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { Problem } from './problems.js';
import { fieldErrors } from './validation.js';

/** Parses `@Body({ schema })`, `@Query({ schema })` and `@Param(name, { schema })`: the route gets the parsed value. */
@Injectable()
export class SchemaPipe implements PipeTransform {
  async transform(value: unknown, { schema, data }: ArgumentMetadata): Promise<unknown> {
    if (schema === undefined) return value;
    const result = await schema['~standard'].validate(value);
    if (result.issues === undefined) return result.value;
    throw new Problem('invalid_request', { errors: fieldErrors(result.issues, data) });
  }
}
