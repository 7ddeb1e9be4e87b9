/** The main job as a client sees it: register by URL, check by a host, deploy to a pool, delete. */
import { readFile, stat } from 'node:fs/promises';
import { copyWorkflowId, templateWorkflowId } from '../../model/names.ts';
import { sha256, isoImage, paddedQcow2, rawDisk } from '../support/images.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';

const MIB = 1_048_576;

/** @param opened returns the lab, once it is open */
export function mainJob(opened: () => EndToEnd): void {
  let lab: EndToEnd;
  beforeAll(() => {
    lab = opened();
  });

  const formats = [
    ['QCOW2', paddedQcow2(4 * MIB), MIB],
    ['RAW', rawDisk(3 * MIB), 3 * MIB],
    ['ISO', isoImage(2 * MIB), 2 * MIB],
  ] as const;
  describe.each(casesOfForm(formats))('a %s', (format, body, virtualSize) => {
    test('is registered, deployed, listed with what was found, and deleted with its file', async () => {
      const path = `/${format.toLowerCase()}`;
      lab.server.serve(path, { body });
      const image = await lab.register({
        format,
        url: lab.server.url(path),
        checksum: `{SHA-256}${sha256(body)}`,
      });
      expect(image).toMatchObject({
        format,
        isready: true,
        status: 'Bypassed Secondary Storage',
        size: virtualSize,
        checksum: sha256(body),
        directdownload: true,
      });
      const [deployed] = await lab.deploy(image.id);
      expect(deployed).toMatchObject({
        state: 'Ready',
        downloadstate: 'DOWNLOADED',
        percent: 100,
        sha256: sha256(body),
        size: body.length,
        hostid: expect.any(String) as string,
      });
      const file = deployed?.localpath ?? '';
      expect((await readFile(file)).equals(body)).toBe(true);
      expect((await stat(file)).mode & 0o777).toBe(0o644);
      await lab.delete(format, image.id);
      await expect(stat(file)).rejects.toThrow('ENOENT');
      expect(await lab.deployments({ templateid: image.id })).toEqual([]);
    });
  });

  test('headers from the details reach the probe and the download, and are stored nowhere in plain text', async () => {
    const body = rawDisk(MIB);
    const needHeader = { name: 'X-Token', value: 'canary-4711' };
    lab.server.serve('/guarded', { body, needHeader });
    const image = await lab.register({
      url: lab.server.url('/guarded'),
      'details[0].HTTP_HEADER': 'X-Other:one',
      'details[1].HTTP_HEADER:X-Token': needHeader.value,
    });
    const [deployed] = await lab.deploy(image.id);
    expect(deployed?.state).toBe('Ready');
    for (const headers of lab.server.seen('/guarded').requests) {
      expect(headers).toMatchObject({ 'x-token': needHeader.value, 'x-other': 'one' });
    }
    const answers = JSON.stringify([
      await lab.call('listTemplates', { templatefilter: 'all', id: image.id, details: 'all' }),
      await lab.deployments({ templateid: image.id }),
      await lab.histories(image.id),
    ]);
    expect(answers).not.toContain(needHeader.value);
    expect(answers).not.toContain(Buffer.from(needHeader.value).toString('base64').replace(/=+$/, ''));
  });

  if (isFullRun)
    test('a registration repeated with the same key creates one template', async () => {
      lab.server.serve('/once', { body: rawDisk(MIB) });
      const request = { url: lab.server.url('/once'), customid: '0f4bb0fe-72e3-4d0b-b6b3-6a8d6b7f4b11' };
      const answers = await Promise.all([lab.register(request), lab.register(request)]);
      expect(answers[0]?.id).toBe(answers[1]?.id);
      expect((await lab.register(request)).id).toBe(answers[0]?.id);
    });

  test('a deployed copy is returned at once and not fetched again', async () => {
    lab.server.serve('/again', { body: rawDisk(MIB) });
    const image = await lab.register({ url: lab.server.url('/again') });
    await lab.deploy(image.id);
    const requests = lab.server.seen('/again').requests.length;
    const [again] = await lab.deploy(image.id);
    expect(again?.state).toBe('Ready');
    expect(lab.server.seen('/again').requests).toHaveLength(requests);
  });

  if (isFullRun)
    test('a job has the same result after Temporal has forgotten its workflow', async () => {
      lab.server.serve('/forgotten', { body: rawDisk(MIB) });
      const image = await lab.register({ url: lab.server.url('/forgotten') });
      const jobid = await lab.prepare(image.id, lab.pool.id);
      const before = await lab.job(jobid);
      expect(before).toMatchObject({ jobstatus: 1, jobprocstatus: 100 });
      const workflows = [copyWorkflowId(image.id, lab.pool.id), templateWorkflowId(image.id)];
      await Promise.all(workflows.map((id) => lab.forget(id)));
      expect(await lab.job(jobid)).toEqual(before);
      expect(await lab.deployments({ templateid: image.id })).toMatchObject([
        { state: 'Ready', percent: 100 },
      ]);
      const [again] = await lab.deploy(image.id, lab.pool.id);
      expect(again?.state).toBe('Ready');
      await lab.delete('RAW', image.id);
    });

  const CALLERS = isFullRun ? 200 : 25;
  test('many callers of prepareTemplate cause one download', async () => {
    const body = rawDisk(8 * MIB);
    lab.server.serve('/wanted', { body, pauseMs: 5 });
    const image = await lab.register({ url: lab.server.url('/wanted') });
    const probed = lab.server.seen('/wanted').requests.length;
    const jobs = await Promise.all(Array.from({ length: CALLERS }, () => lab.prepare(image.id, lab.pool.id)));
    const results = await Promise.all(jobs.map((job) => lab.job(job)));
    expect(new Set(jobs).size).toBe(CALLERS);
    expect(results.filter(({ jobstatus }) => jobstatus === 1)).toHaveLength(CALLERS);
    expect(lab.server.seen('/wanted').requests).toHaveLength(probed + 1);
    expect(lab.server.seen('/wanted').bytes).toBeLessThan(2 * body.length);
  });

  if (isFullRun)
    test('workflows in Temporal are readable for people', async () => {
      lab.server.serve('/readable', { body: rawDisk(MIB) });
      const image = await lab.register({ url: lab.server.url('/readable'), name: 'readable-by-name' });
      await lab.deploy(image.id);
      const [description] = await lab.workflows(
        `TemplateId = '${image.id}' AND WorkflowType = 'deployment' AND ExecutionStatus = 'Completed'`,
      );
      expect(description?.searchAttributes).toMatchObject({
        TemplateId: [image.id],
        State: [expect.any(String)],
      });
      const listed = await lab.call<{ readonly event?: readonly { readonly type: string }[] }>('listEvents', {
        resourceid: image.id,
      });
      expect(listed.event?.map(({ type }) => type)).toEqual(expect.arrayContaining(['TEMPLATE.CREATE']));
    });
}
