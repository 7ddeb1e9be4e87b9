import type { Inspection } from '../../model/api-answers.ts';
import { describeInspection } from '../../cli/inspection.ts';
import { createStyle } from '../../cli/text.ts';
import { renderTimeline, timelineFields } from '../../cli/timeline.ts';

const qcow2 = {
  version: 3,
  virtualsize: 20 * 1024 ** 3,
  l1entries: 40,
  refcounttable: 65_536,
  refcountbits: 16,
  compression: 'zlib',
  clustersize: 65_536,
  features: ['lazy refcounts'],
  snapshots: 1,
  tables: { l2tables: 1, dataclusters: 1000, compressedclusters: 200, zeroclusters: 0 },
};
const nothing = { verdict: 'accepted', looked: 'file', filesize: 1024, found: [] } as const;
const raw = { ...nothing, found: ['raw'] };
const accepted: Inspection = { ...nothing, found: ['qcow2'], qcow2 };
const partition = { number: 1, type: '83', start: 512, size: 512 };
const partitions = [partition, { ...partition, number: 2 }];

test.each<[Inspection | undefined, string | undefined]>([
  [undefined, undefined],
  [nothing, 'nothing known'],
  [accepted, 'qcow2: version 3, 20.0 GiB, clusters of 64.0 KiB, 1200 with data, 1 snapshot, lazy refcounts'],
  [
    {
      ...nothing,
      looked: 'head',
      found: ['iso', 'gpt'],
      iso: { label: 'DEBIAN', volumesize: 2048, filesystems: ['ISO 9660', 'Joliet'], bootable: true },
    },
    'iso + gpt: "DEBIAN", ISO 9660, Joliet, bootable, from its first bytes',
  ],
  [{ ...raw, partitiontable: { kind: 'mbr', sectorsize: 512, partitions } }, 'raw: 2 partitions'],
  [{ ...raw, filesystem: 'ext4' }, 'raw: ext4'],
])('%j is described in one line', (inspection, line) => {
  expect(describeInspection(inspection)).toBe(line);
});

test('a deployment shows the findings on its file and on refused ones before it', () => {
  const started = '2026-03-01T12:00:00+0000';
  const attempt = { id: 'a', source: 'https://images.example.org/d', started, ended: started, bytes: 0 };
  const deployment = {
    id: 'c',
    templateid: 't',
    templatename: 'debian',
    storageid: 'p',
    storagename: 'local',
    state: 'Ready',
    inspection: accepted,
    attempts: [
      {
        ...attempt,
        error: 'is an HTML page',
        inspection: { ...nothing, verdict: 'refused', found: ['html'] },
      },
      { ...attempt, id: 'b' },
    ],
  } as const;
  const field = timelineFields(deployment).find(({ title }) => title === 'Inspected');
  expect(field?.value).toMatch(/^qcow2: version 3/);
  const lines = renderTimeline(deployment, 80, createStyle({ unicode: false, color: false }));
  expect(lines.join('\n')).toContain('found: html');
});
