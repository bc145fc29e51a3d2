interface Setting {
  readonly name: string;
  readonly value: string;
}

const LARGEST_RECORD_BYTES = 8_388_608;

/** How Carat creates a topic: it keeps everything (law 12). */
export const settingsFor = (upstream: boolean, replication: number): Setting[] => [
  { name: 'cleanup.policy', value: 'delete' },
  { name: 'retention.ms', value: '-1' },
  { name: 'retention.bytes', value: '-1' },
  { name: 'max.message.bytes', value: String(LARGEST_RECORD_BYTES) },
  ...(replication >= 3 ? [{ name: 'min.insync.replicas', value: '2' }] : []),
  ...(upstream
    ? [
        // Whatever codec a foreign producer used, ours can read what the broker wrote; one zstd record would stop it.
        { name: 'compression.type', value: 'gzip' },
        { name: 'message.timestamp.type', value: 'LogAppendTime' },
      ]
    : []),
];

const FOREVER = ['-1'];
// -2: as long as the topic as a whole.
const FOREVER_LOCALLY = ['-1', '-2'];

const required = (upstream: boolean): Record<string, readonly string[]> => ({
  'cleanup.policy': ['delete'],
  'retention.ms': FOREVER,
  'retention.bytes': FOREVER,
  'local.retention.ms': FOREVER_LOCALLY,
  'local.retention.bytes': FOREVER_LOCALLY,
  ...(upstream ? { 'compression.type': ['gzip', 'uncompressed'], 'message.timestamp.type': ['LogAppendTime'] } : {}),
});

/** What is wrong with a topic's settings, each as a sentence; nothing when it keeps everything. */
export function breachesOf(topic: string, upstream: boolean, settings: ReadonlyMap<string, string>): string[] {
  return Object.entries(required(upstream)).flatMap(([name, allowed]) => {
    const value = settings.get(name);
    // Brokers without tiered storage do not know the local settings.
    if (value === undefined && name.startsWith('local.')) return [];
    if (value !== undefined && allowed.includes(value)) return [];
    return [`${topic} has ${name}=${value ?? '(unknown)'}, which must be ${allowed.join(' or ')}`];
  });
}
