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
 * Fetch standard blocks, and databases, caches and orchestrators.
 */
export const OTHER_SERVICES: readonly string[] = (
  '1-79 87 95 101-104 109-111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512-515 526 530-532 540 548 ' +
  '554 556 563 587 601 636 873 989-990 993 995 1433 1521 1719-1720 1723 2049 2181 2375-2376 2379-2380 3306 3389 3659 ' +
  '4045 4190 5060-5061 5432 5672 5900-5901 6000 6379 6443 6566 6665-6669 6679 6697 7233 9042 10080 10250 11211 ' +
  '16509 16514 27017'
).split(' ');
