/** Ports and ranges of them, as settings write them: `443`, `8000-8999`. */

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export function parsePorts(text: string): PortRange | undefined {
  const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  return from !== '' && first >= 1 && first <= last && last <= 65_535 ? { first, last } : undefined;
}

export const holdsPort = (ranges: readonly string[], port: number): boolean =>
  ranges.some((text) => {
    const range = parsePorts(text);
    return range !== undefined && port >= range.first && port <= range.last;
  });

/** What two lists have in common. */
export function commonPorts(one: readonly string[], other: readonly string[]): readonly string[] {
  const common = one.flatMap((a) =>
    other.flatMap((b) => {
      const [x, y] = [parsePorts(a), parsePorts(b)];
      if (x === undefined || y === undefined) return [];
      const [first, last] = [Math.max(x.first, y.first), Math.min(x.last, y.last)];
      return first <= last ? [first === last ? `${first}` : `${first}-${last}`] : [];
    }),
  );
  return [...new Set(common)];
}

/**
 * Ports of services that speak something else, and that a request could be made to mean something to: those that the
 * Fetch standard blocks, and databases, caches, queues, orchestrators, consoles of VMs, storage networks and BMCs.
 */
export const OTHER_SERVICES: readonly string[] = (
  '1-79 87 95 101-104 109-111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512-515 526 530-532 540 548 ' +
  '554 556 563 587 601 623 636 664 873 989-990 993 995 1433 1521 1719-1720 1723 1883 2049 2181 2375-2377 2379-2380 ' +
  '3260 3300 3306 3389 3659 4045 4190 4369 4646-4648 5060-5061 5120 5123 5432 5671-5672 5700-5799 5900-5999 6000 ' +
  '5985-5986 6379 6443 6566 6665-6669 6679 6697 6789 6800-7300 8200-8201 8300-8302 8500-8503 8600 9042 9092 9200 ' +
  '9300 10080 10249-10259 10809 11211 15672 16379 16509 16514 17988 17990 24007-24008 25672 26379 27017-27019'
).split(' ');

/**
 * Ports on which hosts take each other's migrating VMs and their disks. They lie among those that a system gives to any
 * program, so an address that the host's own policy opens is open on them as well.
 */
export const MIGRATION_PORTS: readonly string[] = ['49152-49215'];
