import { isIssuer, type OidcSettings } from '@carat/http-edge/issued-token';
import { z } from 'zod';
import { Duration } from './duration.js';
import type { HostContext, Service } from './service.js';

const whole = (least: number, most: number): z.ZodType<number> =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .refine((number) => number >= least && number <= most);

/** Gives every refusal of a schema one sentence, whatever part of it refused. */
const expects = <T>(expectation: string, schema: z.ZodType<T>): z.ZodType<T> =>
  z.unknown().transform((text, context) => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: 'custom', message: `expects ${expectation}` });
    return z.NEVER;
  });

const Flag = expects(
  '1 or 0',
  z.enum(['1', '0', 'true', 'false']).transform((text) => text === '1' || text === 'true'),
);
const Text = expects('a text', z.string());
const Brokers = expects(
  'host:port, or several of them with commas between',
  z
    .string()
    .transform((text) => text.split(',').map((one) => one.trim()))
    .pipe(z.array(z.string().regex(/^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/)).min(1)),
);
const PostgresUrl = expects(
  'a URL like postgres://user:password@host:5432/database',
  z.url({ protocol: /^postgres(ql)?$/ }),
);
const Claim = expects('the name of a claim', z.string().regex(/^\S{1,200}$/));

/** The variables that every process of Carat reads. Empty counts as not set: compose files and shells write that. */
const commonVariables = {
  HOST: Text.default('127.0.0.1').meta({
    description: 'the address to listen on; standalone takes a loopback address only',
  }),
  CARAT_HOME: Text.default('.carat').meta({ description: 'the folder of the embedded Postgres and of keys.json' }),
  CARAT_DEMO: Flag.default(true).meta({ description: 'demo traffic in standalone' }),
  LOG_LEVEL: expects(
    'trace, debug, info, warn, error or silent',
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
  )
    .optional()
    .meta({ description: 'how much is logged' }),
  DATABASE_URL: PostgresUrl.optional().meta({ description: 'the Postgres to use; not set: an embedded one' }),
  KAFKA_BROKERS: Brokers.optional().meta({ description: 'Kafka is the log; not set: the journal in Postgres is' }),
  KAFKA_TOPIC_PREFIX: expects('letters, digits, . _ and -', z.string().regex(/^[\w.-]{0,100}$/))
    .default('')
    .meta({ description: 'put before every topic and group' }),
  KAFKA_PARTITIONS: expects('a whole number from 1 to 1000', whole(1, 1000))
    .default(12)
    .meta({ description: 'of topics that Carat creates' }),
  KAFKA_REPLICATION: expects('a whole number from 1 to 9', whole(1, 9))
    .default(1)
    .meta({ description: 'of topics that Carat creates' }),
  KAFKA_DELIVERY: expects('at-least-once', z.literal('at-least-once'))
    .default('at-least-once')
    .meta({ description: 'the guarantee of transforms' }),
  KAFKA_SESSION_TIMEOUT: Duration.prefault('15s').meta({
    description: 'without a word for this long, a consumer is taken for dead and others take over',
  }),
  KAFKA_SASL_MECHANISM: expects(
    'plain, scram-sha-256 or scram-sha-512',
    z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
  )
    .optional()
    .meta({ description: 'not set: no SASL' }),
  KAFKA_SASL_USERNAME: Text.optional().meta({ description: 'for SASL' }),
  KAFKA_SASL_PASSWORD: Text.optional().meta({ description: 'for SASL' }),
  KAFKA_SSL: Flag.default(false).meta({ description: 'TLS to the brokers' }),
  KAFKA_SSL_CA: expects('the path of a PEM file', z.string())
    .optional()
    .meta({ description: 'the authority that the brokers are checked against' }),
  KAFKA_SSL_CERT: expects('the path of a PEM file', z.string()).optional().meta({ description: 'our certificate' }),
  KAFKA_SSL_KEY: expects('the path of a PEM file', z.string())
    .optional()
    .meta({ description: 'the key of our certificate' }),
  OIDC_ISSUER: expects(
    'an https address (http on this machine) without a query or fragment, as it stands in `iss`',
    z.string().refine(isIssuer),
  )
    .optional()
    .meta({ description: 'the issuer whose JWTs are taken beside API keys; not set: API keys alone' }),
  OIDC_AUDIENCE: Text.optional().meta({ description: 'the `aud` of tokens for Carat; required with OIDC_ISSUER' }),
  OIDC_ROLES_CLAIM: Claim.default('roles').meta({
    description:
      'the claim that lists roles: operator, approver, auditor and admin, also as carat:operator; an array, or a ' +
      'text with spaces',
  }),
  OIDC_CREATOR_CLAIM: Claim.optional().meta({
    description: "the claim that holds a creator's id: who has it is that creator and nothing else; not set: nobody",
  }),
};

export const commonSchema = (defaultPort: number) =>
  z.object({
    PORT: expects('a port, a whole number from 0 (any free one) to 65535', whole(0, 65_535))
      .default(defaultPort)
      .meta({ description: 'the port to listen on' }),
    ...commonVariables,
  });

export type CommonEnvironment = z.infer<ReturnType<typeof commonSchema>>;
/** What ENVIRONMENT holds: the common variables, and those of every service of the process. */
export type Environment = CommonEnvironment & Readonly<Record<string, unknown>>;

/** The environment, or every thing that is wrong with it, a sentence each. No sentence holds a variable's value. */
export type ReadEnvironment = { readonly environment: Environment } | { readonly mistakes: readonly string[] };

const STANDALONE_PORT = 8080;

/** Parses the variables of a process that runs these services. `variables` is `process.env`. */
export function readEnvironment(
  services: readonly Service[],
  variables: Readonly<Record<string, string | undefined>>,
): ReadEnvironment {
  const given = Object.fromEntries(Object.entries(variables).filter(([, text]) => text !== undefined && text !== ''));
  const context: HostContext = { standalone: services.length > 1 };
  const defaultPort = context.standalone ? STANDALONE_PORT : (services[0]?.port ?? STANDALONE_PORT);
  const schemas = [
    commonSchema(defaultPort),
    ...services.flatMap((service) => environmentSchema(service, context) ?? []),
  ];
  const mistakes: string[] = [];
  let environment = {};
  for (const schema of schemas) {
    const parsed = schema.safeParse(given);
    if (parsed.success) environment = { ...environment, ...parsed.data };
    else mistakes.push(...parsed.error.issues.map((issue) => sentenceOf(issue, given)));
  }
  if (mistakes.length === 0) mistakes.push(...contradictions(environment as CommonEnvironment, services));
  return mistakes.length > 0 ? { mistakes: [...new Set(mistakes)] } : { environment: environment as Environment };
}

/** The variables that a service reads beyond the common ones. */
export const environmentSchema = ({ environment }: Service, context: HostContext): z.ZodObject | undefined =>
  typeof environment === 'function' ? environment(context) : environment;

function sentenceOf({ path, message }: z.core.$ZodIssue, given: Readonly<Record<string, unknown>>): string {
  const [name = '', ...inside] = path.map(String);
  const place = inside.length === 0 ? name : `${name} at /${inside.join('/')}`;
  return given[name] === undefined ? `${place} is not set: ${message}` : `${place} is malformed: ${message}`;
}

/** True for an address that only this machine reaches. */
export const isLoopback = (host: string): boolean => /^(localhost|::1|127(\.\d{1,3}){3})$/.test(host);

export const FIRST_KEYS_NEED_LOOPBACK =
  'HOST is malformed: expects a loopback address (127.0.0.1, ::1, localhost) while the keys of keys.json are in ' +
  'use; to be reached from elsewhere, run the services one by one with keys of their own';

const needsLoopback = (name: string): string =>
  `HOST is malformed: expects a loopback address (127.0.0.1, ::1, localhost) while ${name} runs in the process, ` +
  'which nobody else may reach';

/** The issuer whose tokens are taken beside API keys, or undefined when none is. */
export function oidcOf(environment: CommonEnvironment): OidcSettings | undefined {
  const { OIDC_ISSUER, OIDC_AUDIENCE, OIDC_ROLES_CLAIM, OIDC_CREATOR_CLAIM } = environment;
  if (OIDC_ISSUER === undefined || OIDC_AUDIENCE === undefined) return undefined;
  const claims = { rolesClaim: OIDC_ROLES_CLAIM, creatorClaim: OIDC_CREATOR_CLAIM };
  return { issuer: OIDC_ISSUER, audience: OIDC_AUDIENCE, ...claims };
}

function contradictions(environment: CommonEnvironment, services: readonly Service[]): string[] {
  const { HOST, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD } = environment;
  const mistakes: string[] = [];
  if (!isLoopback(HOST)) {
    if (services.length > 1) mistakes.push(FIRST_KEYS_NEED_LOOPBACK);
    mistakes.push(...services.filter(({ loopbackOnly }) => loopbackOnly).map(({ name }) => needsLoopback(name)));
  }
  if (KAFKA_SASL_MECHANISM !== undefined && (KAFKA_SASL_USERNAME === undefined || KAFKA_SASL_PASSWORD === undefined))
    mistakes.push(
      'KAFKA_SASL_USERNAME is not set: KAFKA_SASL_MECHANISM expects KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
    );
  if (environment.OIDC_ISSUER !== undefined && environment.OIDC_AUDIENCE === undefined)
    mistakes.push('OIDC_AUDIENCE is not set: OIDC_ISSUER expects OIDC_AUDIENCE, or any token of the issuer would do');
  return mistakes;
}
