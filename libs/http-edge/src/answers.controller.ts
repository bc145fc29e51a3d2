import { applyDecorators } from '@nestjs/common';
import { ApiDefaultResponse, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import type { ProblemCode } from './problems.js';
import { problems } from './problems.js';

const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(problems) as ProblemCode[]),
  detail: z.string(),
  traceId: z.string(),
  errors: z.array(z.object({ pointer: z.string(), code: z.string() })),
  retryable: z.boolean(),
});
const { $schema: _, ...problemSchema } = z.toJSONSchema(Problem, { target: 'draft-2020-12' });

/** Tells the reference what a route answers: this with the status given, anything else as a problem (RFC 9457). */
export const Answers = (answer: z.ZodType, status = 200): MethodDecorator =>
  applyDecorators(
    ApiResponse({ status, standardSchema: answer }),
    ApiDefaultResponse({
      description: 'a problem',
      content: { 'application/problem+json': { schema: problemSchema as object } },
    }),
  );
