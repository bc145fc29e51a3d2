import { readdirSync, readFileSync } from 'node:fs';

// The kernel counts in these, and calls them USER_HZ: a hundredth of a second on every Linux there is.
const MICROSECONDS_PER_TICK = 10_000;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  readonly ticks: number;
}

/** A line of /proc/<pid>/stat; undefined once the process is gone. The command stands in brackets and may hold any. */
function processOf(pid: number): Process | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const command = line.slice(line.indexOf('(') + 1, line.lastIndexOf(')'));
    const fields = line
      .slice(line.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    // State is the first field here. User and system time, each also of children that ended.
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + (fields[at] ?? 0), 0);
    return { pid, parent: fields[1] ?? 0, command, ticks };
  } catch {
    return undefined;
  }
}

/**
 * Microseconds of processor time that the descendants of this process have used, by part: those named in `names` by
 * their name, the others by their command (`postgres`, `java`). Nothing where there is no /proc.
 */
export function cpuMicrosByPart(names: ReadonlyMap<number, string>): Map<string, number> {
  const pids = (() => {
    try {
      return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
    } catch {
      return [];
    }
  })();
  const processes = new Map(
    pids.flatMap((pid) => {
      const found = processOf(Number(pid));
      return found === undefined ? [] : [[found.pid, found]];
    }),
  );
  const isOurs = ({ parent }: Process): boolean => {
    if (parent === process.pid) return true;
    const above = processes.get(parent);
    return above !== undefined && isOurs(above);
  };
  const used = new Map<string, number>();
  for (const found of processes.values()) {
    if (!isOurs(found)) continue;
    const part = names.get(found.pid) ?? found.command;
    used.set(part, (used.get(part) ?? 0) + found.ticks * MICROSECONDS_PER_TICK);
  }
  return used;
}
