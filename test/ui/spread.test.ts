/** The tree of a template's copies, and the state of one, as the page shows them. */
import type { Deployment } from '../../model/api-answers.ts';
import { situationOf } from '../../ui/deployments/situation.ts';
import { spreadOf } from '../../ui/templates/spread.ts';
import type { Branch } from '../../ui/templates/spread.ts';

const copy = (id: string, more: Partial<Deployment> = {}): Deployment => ({
  id,
  templateid: 't',
  templatename: 'debian',
  format: 'RAW',
  zoneid: 'z',
  zonename: 'zone1',
  storagename: id,
  state: 'Ready',
  downloadstate: 'DOWNLOADED',
  percent: 100,
  bytes: 600,
  total: 600,
  originbytes: 0,
  peerbytes: 0,
  copyinghosts: 0,
  attemptcount: 1,
  attempts: [],
  created: '2026-03-01T12:00:00+0000',
  lastupdated: '2026-03-01T12:00:00+0000',
  ...more,
});

/** Such as `a(b c(d))`. */
const written = (branches: readonly Branch[]): string =>
  branches
    .map(({ copy: { id }, children }) => (children.length === 0 ? id : `${id}(${written(children)})`))
    .join(' ');

test('each copy stands below the one that it was made from, and the origin has sent what all together have cost', () => {
  const spread = spreadOf([
    copy('d', { depth: 2, sourcedeploymentid: 'c', originbytes: 5 }),
    copy('a', { depth: 0, originbytes: 600 }),
    copy('b', { depth: 1, sourcedeploymentid: 'a' }),
    copy('c', { depth: 1, sourcedeploymentid: 'a' }),
    copy('waiting'),
    copy('orphan', { depth: 3, sourcedeploymentid: 'gone' }),
  ]);
  expect(written(spread.roots)).toBe('a(b c(d)) orphan');
  expect(spread).toMatchObject({ count: 5, sent: 605 });
});

test('two copies that were made from each other are both shown', () => {
  const { roots } = spreadOf([
    copy('began anew', { depth: 2, sourcedeploymentid: 'finished' }),
    copy('finished', { depth: 1, sourcedeploymentid: 'began anew' }),
  ]);
  expect(written(roots)).toBe('finished(began anew)');
});

test('a copy that machines keep although it was found damaged is not shown as a good one', () => {
  expect(situationOf(copy('a', { error: 'the file is another one' }))).toMatchObject({
    mood: 'bad',
    word: 'Damaged',
  });
  expect(situationOf(copy('a'))).toMatchObject({ mood: 'good', word: 'Ready' });
});
