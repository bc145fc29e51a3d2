import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort, runToEnd, type Started, succeeds, untilPrinted } from './processes.js';

const brokerScript = resolve(import.meta.dirname, '../../../deploy/kafka/broker.sh');
const image = 'apache/kafka:4.3.1';

const choices =
  'The tests need Kafka. Give them one of: TEST_KAFKA_BROKERS (host:port,…) · ' +
  'Java 17 or later and Maven (mvn) on the PATH · a running Docker daemon.';

function hasJava(): boolean {
  const { stdout } = spawnSync('java', ['--version'], { encoding: 'utf8' });
  return Number(/\d+/.exec(stdout ?? '')?.[0] ?? 0) >= 17 && succeeds('mvn', '--version');
}
const hasDocker = (): boolean => succeeds('docker', 'info');

/**
 * The Kafka of a test run, first found wins: TEST_KAFKA_BROKERS, Java with Maven, Docker. None is a failure.
 * @param java flags of the machine that our own broker runs on, instead of those that make it quick to start
 */
export async function startKafka(java?: string): Promise<Started> {
  const given = process.env['TEST_KAFKA_BROKERS'];
  if (given !== undefined && given !== '')
    return { address: given, from: 'TEST_KAFKA_BROKERS', stop: () => Promise.resolve() };
  if (hasJava()) return startFromJars(java);
  if (hasDocker()) return startFromImage();
  throw new Error(choices);
}

async function startFromJars(java?: string): Promise<Started> {
  await runToEnd(brokerScript, ['fetch']);
  const dir = await mkdtemp(join(tmpdir(), 'carat-test-kafka-'));
  const [port, controllerPort] = [await freePort(), await freePort()];
  const broker = spawn(brokerScript, ['run', String(port), String(controllerPort), dir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(java === undefined ? {} : { KAFKA_JVM_PERFORMANCE_OPTS: java }) },
  });
  const end = (): void => {
    broker.kill('SIGKILL');
  };
  process.once('exit', end);
  await untilPrinted(broker, 'Kafka Server started', 60_000);
  const stop = async (): Promise<void> => {
    process.off('exit', end);
    // Nothing it holds is wanted any more, and an orderly shutdown takes seconds.
    broker.kill('SIGKILL');
    await once(broker, 'exit');
    await rm(dir, { recursive: true, force: true });
  };
  return { address: `127.0.0.1:${port}`, from: 'the jars of deploy/kafka', stop };
}

async function startFromImage(): Promise<Started> {
  const port = await freePort();
  const settings = {
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:29093',
    KAFKA_LISTENERS: `PLAINTEXT://:${port},CONTROLLER://:29093`,
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    KAFKA_MESSAGE_MAX_BYTES: '8388608',
    KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '4',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  };
  const variables = Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const name = `carat-test-kafka-${randomBytes(4).toString('hex')}`;
  const container = spawn(
    'docker',
    ['run', '--rm', '--name', name, '-p', `127.0.0.1:${port}:${port}`, ...variables, image],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  await untilPrinted(container, 'Kafka Server started', 300_000);
  return {
    address: `127.0.0.1:${port}`,
    from: `the image ${image}`,
    stop: async () => {
      await runToEnd('docker', ['rm', '-f', name]);
    },
  };
}

/** The brokers of this run, as kafkajs wants them. */
export function kafkaBrokers(): string[] {
  const brokers = process.env['TEST_KAFKA_BROKERS'];
  if (brokers === undefined) throw new Error('TEST_KAFKA_BROKERS is not set: run the `int` project of Jest');
  return brokers.split(',').map((broker) => broker.trim());
}

/** A prefix for one spec's topics and groups, so that specs which run at once do not meet. */
export const freshPrefix = (): string => `t${randomBytes(5).toString('hex')}.`;

/**
 * Writes lines with Kafka's own Java producer, which is what upstream teams use: its partitioner, its codecs.
 * `topic` is the full name on the broker. With `parseKey` a line is `key<TAB>value`.
 */
export async function consoleProducer(
  topic: string,
  lines: readonly string[],
  { parseKey = false, codec = 'none' }: { readonly parseKey?: boolean; readonly codec?: string } = {},
): Promise<void> {
  const args = ['--bootstrap-server', kafkaBrokers().join(','), '--topic', topic, '--compression-codec', codec];
  if (parseKey) args.push('--reader-property', 'parse.key=true');
  const input = lines.map((line) => `${line}\n`).join('');
  if (hasJava()) {
    await runToEnd(brokerScript, ['fetch']);
    await runToEnd(brokerScript, ['tool', 'org.apache.kafka.tools.ConsoleProducer', ...args], input);
  } else if (hasDocker()) {
    const tool = '/opt/kafka/bin/kafka-console-producer.sh';
    await runToEnd('docker', ['run', '--rm', '-i', '--network', 'host', image, tool, ...args], input);
  } else throw new Error(choices);
}
