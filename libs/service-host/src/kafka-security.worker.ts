import { readFile } from 'node:fs/promises';
import type { KafkaLogOptions } from '@carat/event-log/kafka';
import type { CommonEnvironment } from './environment.js';
import { HostFailure } from './host-failure.js';

/** How to prove who we are to the brokers, and who they are. The files are read once, at the start. */
export async function securityOf(environment: CommonEnvironment): Promise<Pick<KafkaLogOptions, 'ssl' | 'sasl'>> {
  const { KAFKA_SSL, KAFKA_SSL_CA, KAFKA_SSL_CERT, KAFKA_SSL_KEY } = environment;
  const { KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME = '', KAFKA_SASL_PASSWORD = '' } = environment;
  const files = { ca: KAFKA_SSL_CA, cert: KAFKA_SSL_CERT, key: KAFKA_SSL_KEY };
  const given = Object.entries(files).filter((file): file is [string, string] => file[1] !== undefined);
  const pem = await Promise.all(given.map(async ([name, path]) => [name, await readPem(path)] as const));
  return {
    ...(KAFKA_SSL || pem.length > 0 ? { ssl: pem.length > 0 ? Object.fromEntries<string>(pem) : true } : {}),
    ...(KAFKA_SASL_MECHANISM === undefined
      ? {}
      : {
          // kafkajs has one type per mechanism, which all look like this.
          sasl: {
            mechanism: KAFKA_SASL_MECHANISM as 'plain',
            username: KAFKA_SASL_USERNAME,
            password: KAFKA_SASL_PASSWORD,
          },
        }),
  };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new HostFailure(
      `KAFKA_SSL_CA, KAFKA_SSL_CERT and KAFKA_SSL_KEY name files that can be read; ${path} is none.`,
      error,
      2,
    );
  }
}
