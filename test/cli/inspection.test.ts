import type { InspectionAnswer } from '../../cli/answers.ts';
import { describeInspection } from '../../cli/inspection.ts';
import { createStyle } from '../../cli/text.ts';
import { renderTimeline, timelineFields } from '../../cli/timeline.ts';

const qcow2 = {
  version: 3,
  virtualsize: 20 * 1024 ** 3,
  clustersize: 65_536,
  features: ['lazy refcounts'],
  snapshots: 1,
  tables: { dataclusters: 1000, compressedclusters: 200 },
};
const accepted: InspectionAnswer = { verdict: 'accepted', looked: 'file', found: ['qcow2'], qcow2 };

test.each<[InspectionAnswer | undefined, string | undefined]>([
  [undefined, undefined],
  [{ verdict: 'accepted' }, 'nothing known'],
  [accepted, 'qcow2: version 3, 20.0 GiB, clusters of 64.0 KiB, 1200 with data, 1 snapshot, lazy refcounts'],
  [
    {
      verdict: 'accepted',
      looked: 'head',
      found: ['iso', 'gpt'],
      iso: { label: 'DEBIAN', filesystems: ['ISO 9660', 'Joliet'], bootable: true },
    },
    'iso + gpt: "DEBIAN", ISO 9660, Joliet, bootable, from its first bytes',
  ],
  [{ verdict: 'accepted', found: ['raw'], partitiontable: { partitions: [1, 2] } }, 'raw: 2 partitions'],
  [{ verdict: 'accepted', found: ['raw'], filesystem: 'ext4' }, 'raw: ext4'],
])('%j in one line', (inspection, line) => {
  expect(describeInspection(inspection)).toBe(line);
});

test('a deployment shows what its file is, and what was refused before', () => {
  const deployment = {
    id: 'c',
    templateid: 't',
    templatename: 'debian',
    storageid: 'p',
    storagename: 'local',
    state: 'Ready',
    inspection: accepted,
    attempts: [
      { id: 'a', error: 'is an HTML page', inspection: { verdict: 'refused', found: ['html'] } },
      { id: 'b' },
    ],
  } as const;
  const field = timelineFields(deployment).find(({ title }) => title === 'Inspected');
  expect(field?.value).toMatch(/^qcow2: version 3/);
  const lines = renderTimeline(deployment, 80, createStyle({ unicode: false, color: false }));
  expect(lines.join('\n')).toContain('found: html');
});
