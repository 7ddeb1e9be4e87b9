import { sql } from 'kysely';
import { templateSecrets } from '../../db/templates/secrets.ts';
import { openLab } from '../labs/api.ts';
import type { Json, Lab, Parameters } from '../labs/api.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const row = (id: string) =>
  lab.db.selectFrom('vm_template').where('uuid', '=', id).selectAll().executeTakeFirstOrThrow();

const longDetails = (count: number): Parameters =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`details[${at}].k${at}`, 'y'.repeat(8000)]));

const tagsFrom = (first: number, count: number): Parameters =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`tags[${at}].key${first + at}`, 'v']));

describe('updateTemplate', () => {
  test('changes only the given properties, and answers the template', async () => {
    const { templateId: id } = await lab.template(lab.user);
    const before = await row(id);
    const [os] = (await lab.user.ok('listOsTypes', { description: 'Debian GNU/Linux 12' })).ostype;
    const { template } = await lab.user.ok('updateTemplate', {
      id,
      name: 'renamed',
      ostypeid: os.id,
      passwordenabled: true,
      'details[0].rootDiskController': 'scsi',
    });
    expect(template).toMatchObject({
      id,
      name: 'renamed',
      displaytext: before.display_text,
      ostypename: 'Debian GNU/Linux 12',
      passwordenabled: true,
      details: { rootDiskController: 'scsi' },
    });
    const after = await row(id);
    expect({ ...after, name: '', enable_password: false, guest_os_id: 0, updated: 0 }).toEqual({
      ...before,
      name: '',
      enable_password: false,
      guest_os_id: 0,
      updated: 0,
    });
    const [event] = (await lab.user.ok('listEvents', { resourceid: id, type: 'TEMPLATE.UPDATE' })).event;
    expect(event.username).toBe('alice');
  });

  test('limits the details of one template and of one answer', async () => {
    const { templateId: id } = await lab.template(lab.other);
    const refused = await lab.other.call('updateTemplate', { id, ...longDetails(9) }, { post: true });
    expect([refused.status, refused.inner.errortext]).toEqual([
      431,
      'Parameter details have 72018 bytes together; at most 65536 are taken.',
    ]);
    await lab.other.ok('updateTemplate', { id, ...longDetails(8) }, { post: true });
    // An earlier release accepted more.
    for (let count = 0; count < 3; count += 1) await lab.template(lab.other);
    await sql`
      insert into vm_template_details (template_id, name, value)
      select vm_template.id, 'old' || number, repeat('y', 400000)
      from vm_template join account on account.id = account_id, generate_series(1, 3) number
      where account_name = 'bob'`.execute(lab.db);
    const list = { templatefilter: 'self', details: 'all' };
    const all = await lab.other.call('listTemplates', list);
    expect([all.status, all.inner.errortext]).toEqual([431, expect.stringContaining('page and pagesize')]);
    expect((await lab.other.ok('listTemplates', { ...list, page: 1, pagesize: 2 })).template).toHaveLength(2);
    expect((await lab.other.ok('listTemplates', { templatefilter: 'self' })).template).toHaveLength(4);
  });

  test('allows at most a hundred tags of a template', async () => {
    const { templateId: resourceids } = await lab.template(lab.user);
    const put = (first: number, count: number) =>
      lab.user.call('createTags', { resourceids, resourcetype: 'Template', ...tagsFrom(first, count) });
    expect((await put(0, 60)).status).toBe(200);
    expect((await put(0, 60)).status).toBe(200);
    const refused = await put(60, 41);
    expect([refused.status, refused.inner.errortext]).toEqual([
      431,
      expect.stringContaining('at most 100 tags'),
    ]);
    expect((await lab.user.ok('listTags', { resourceid: resourceids })).count).toBe(60);
    expect((await put(60, 40)).status).toBe(200);
    await lab.user.ok('deleteTags', { resourceids, resourcetype: 'Template' });
  });

  test('replaces the sealed headers with new ones; the credentials of the URL stay', async () => {
    const { templateId: id } = await lab.template(lab.user);
    await lab.user.ok('updateTemplate', { id, 'details[0].HTTP_HEADER:Authorization': 'Bearer one' });
    const sealed = (await row(id)).sealed ?? '';
    expect(sealed).not.toContain('Bearer');
    expect((await templateSecrets(lab, id))?.headers).toEqual([
      { name: 'Authorization', value: 'Bearer one' },
    ]);
    const { template } = await lab.user.ok('listTemplates', { templatefilter: 'self', id, details: 'all' });
    expect(JSON.stringify(template)).not.toContain('Bearer');
    await lab.user.ok('updateTemplate', { id, cleanupdetails: true });
    expect((await row(id)).sealed).toBeNull();
  });

  test.each([
    [{ name: ' ' }, 431, /name must be one line/],
    [{ ostypeid: '7d8e6d1c-0000-4000-8000-000000000000' }, 431, /Invalid parameter ostypeid/],
    [{ arch: 'vax' }, 431, /arch is 'vax'/],
    [{ cleanupdetails: true, 'details[0].a': 'b' }, 431, /exclude each other/],
    [{ 'details[0].HTTP_HEADER:Host': 'a' }, 431, /details/],
  ])('%j is refused', async (changes, code, sentence) => {
    const { templateId: id } = await lab.template(lab.user);
    const { status, inner } = await lab.user.call('updateTemplate', { id, ...changes });
    expect(status).toBe(code);
    expect(inner.errortext).toMatch(sentence);
  });

  test('is for the owner and administrators, and refuses the id of an ISO', async () => {
    const { templateId: id } = await lab.template(lab.user, { isPublic: true });
    const refused = await lab.other.call('updateTemplate', { id, name: 'mine' });
    expect([refused.status, refused.inner.cserrorcode]).toEqual([531, 4365]);
    await lab.admin.ok('updateTemplate', { id, name: 'by root' });
    expect((await lab.user.call('updateIso', { id, name: 'x' })).status).toBe(431);
    const iso = await lab.template(lab.user, { format: 'ISO' });
    const answer = await lab.user.ok('updateIso', { id: iso.templateId, displaytext: 'a disc' });
    expect(answer.iso.displaytext).toBe('a disc');
  });
});

const sees = async (who: Lab['user'], id: string, templatefilter: string): Promise<boolean> => {
  const { template = [] } = await who.ok('listTemplates', { templatefilter });
  return template.some((one: Json) => one.id === id);
};

describe('updateTemplatePermissions', () => {
  test('shows a template to the account it is shared with, and only until the share is removed', async () => {
    const { templateId: id } = await lab.template(lab.user);
    const third = await lab.newUser('third', 'user');
    expect((await lab.other.call('listTemplates', { templatefilter: 'self', id })).status).toBe(431);
    const { success } = await lab.user.ok('updateTemplatePermissions', { id, op: 'add', accounts: 'bob' });
    expect(success).toBe(true);
    for (const [who, seen] of [
      [lab.other, true],
      [third, false],
    ] as const) {
      expect(await sees(who, id, 'sharedexecutable')).toBe(seen);
      expect(await sees(who, id, 'executable')).toBe(seen);
      expect((await who.call('listTemplates', { templatefilter: 'self', id })).status).toBe(seen ? 200 : 431);
    }
    expect(await sees(lab.user, id, 'sharedexecutable')).toBe(false);
    const [shown] = (await lab.other.ok('listTemplates', { templatefilter: 'executable', id })).template;
    expect(shown).not.toHaveProperty('url');
    expect((await lab.user.ok('listTemplatePermissions', { id })).templatepermission).toEqual({
      id,
      ispublic: false,
      domainid: expect.any(String),
      account: ['bob'],
    });
    expect((await lab.other.call('updateTemplate', { id, name: 'x' })).status).toBe(531);
    await lab.user.ok('updateTemplatePermissions', { id, op: 'remove', accounts: 'bob' });
    expect(await sees(lab.other, id, 'executable')).toBe(false);
    await lab.user.ok('updateTemplatePermissions', { id, op: 'add', accountids: third.accountUuid });
    await lab.user.ok('updateTemplatePermissions', { id, op: 'reset' });
    expect(await sees(third, id, 'executable')).toBe(false);
  });

  test('does not reveal to users which accounts exist; an administrator sees unknown names refused', async () => {
    const { templateId: id } = await lab.template(lab.user);
    const change = (op: string, accounts: string) =>
      lab.user.call('updateTemplatePermissions', { id, op, accounts });
    const shared = async (): Promise<Json> =>
      (await lab.user.ok('listTemplatePermissions', { id })).templatepermission.account;
    const [known, unknown] = [await change('add', 'bob'), await change('add', 'nobody')];
    expect(unknown).toMatchObject({ status: known.status, body: known.body });
    expect(await shared()).toEqual(['bob', 'nobody']);
    await lab.newUser('nobody', 'user').then(async (nobody) => {
      expect(await sees(nobody, id, 'executable')).toBe(false);
    });
    expect((await change('remove', 'stranger')).body).toEqual((await change('remove', 'bob')).body);
    expect(await shared()).toEqual(['nobody']);
    await change('add', 'nobody');
    expect(await shared()).toEqual(['nobody']);
    await change('remove', 'nobody');
    expect(await shared()).toEqual([]);
    const many = Array.from({ length: 101 }, (_, at) => `name ${at}`).join(',');
    expect(await change('add', many)).toMatchObject({ status: 431 });
    const typed = { id, op: 'add', accounts: 'nobdy,bob' };
    const reply = await lab.admin.call('updateTemplatePermissions', typed);
    expect([reply.status, reply.inner.errortext]).toEqual([
      431,
      'Parameter accounts names no account: nobdy.',
    ]);
    expect(await shared()).toEqual([]);
  });

  test('makes a template public and featured', async () => {
    const { templateId: id } = await lab.template(lab.user);
    await lab.user.ok('updateTemplatePermissions', { id, ispublic: true });
    expect(await sees(lab.other, id, 'community')).toBe(true);
    expect((await lab.user.call('updateTemplatePermissions', { id, isfeatured: true })).status).toBe(531);
    await lab.admin.ok('updateTemplatePermissions', { id, isfeatured: true });
    expect(await sees(lab.other, id, 'featured')).toBe(true);
  });

  test.each([
    [{ op: 'add' }, /accounts is missing/],
    [{ accounts: 'bob' }, /op is missing/],
    [{ op: 'reset', accounts: 'bob' }, /takes no accounts/],
    [{ op: 'add', accountids: 'x' }, /names no account: x/],
  ])('%j is refused, and nothing is changed', async (changes, sentence) => {
    const { templateId: id } = await lab.template(lab.user);
    const { status, inner } = await lab.user.call('updateTemplatePermissions', { id, ...changes });
    expect(status).toBe(431);
    expect(inner.errortext).toMatch(sentence);
    expect((await lab.user.ok('listTemplatePermissions', { id })).templatepermission.account).toEqual([]);
  });
});

describe('extractTemplate', () => {
  test('answers the source URL, by a job that is done at once', async () => {
    const { templateId: id, url } = await lab.template(lab.user, { isPublic: true });
    const { jobid } = await lab.user.ok('extractTemplate', { id, mode: 'HTTP_DOWNLOAD' });
    const job = await lab.user.ok('queryAsyncJobResult', { jobid });
    expect(job).toMatchObject({ jobstatus: 1, jobresultcode: 0 });
    expect(job.jobresult.template).toMatchObject({ id, url, state: 'DOWNLOAD_URL_CREATED' });
  });

  test('answers others the URL of extractable templates only', async () => {
    const { templateId: id } = await lab.template(lab.user, { isPublic: true });
    expect((await lab.other.call('extractTemplate', { id, mode: 'HTTP_DOWNLOAD' })).status).toBe(531);
    await lab.user.ok('updateTemplatePermissions', { id, isextractable: true });
    await lab.other.ok('extractTemplate', { id, mode: 'http_download' });
    expect((await lab.other.call('extractTemplate', { id, mode: 'FTP' })).status).toBe(431);
    expect((await lab.other.call('extractIso', { id, mode: 'HTTP_DOWNLOAD' })).status).toBe(431);
  });
});

describe('tags', () => {
  test('are added, listed, filtered by and removed', async () => {
    const [one, two] = [await lab.template(lab.user), await lab.template(lab.user)];
    const ids = [one.templateId, two.templateId];
    const tags = {
      'tags[0].key': 'env',
      'tags[0].value': 'prod',
      'tags[1].key': 'os',
      'tags[1].value': 'deb',
    };
    const { jobid } = await lab.user.ok('createTags', {
      resourceids: ids.join(','),
      resourcetype: 'template',
      ...tags,
    });
    expect((await lab.user.ok('queryAsyncJobResult', { jobid })).jobresult).toEqual({ success: true });
    await lab.user.ok('createTags', {
      resourceids: two.templateId,
      resourcetype: 'Template',
      'tags[0].key': 'env',
      'tags[0].value': 'test',
    });
    const listed = await lab.user.ok('listTemplates', { templatefilter: 'self', ...tags });
    expect(listed.template.map(({ id }: Json) => id)).toEqual([one.templateId]);
    expect(listed.template[0].tags).toEqual([
      { key: 'env', value: 'prod', resourceid: one.templateId },
      { key: 'os', value: 'deb', resourceid: one.templateId },
    ]);
    const all = await lab.user.ok('listTags', { key: 'env' });
    expect(all.count).toBe(2);
    expect(all.tag[1]).toMatchObject({
      key: 'env',
      value: 'test',
      resourcetype: 'Template',
      account: 'alice',
    });
    expect(await lab.other.ok('listTags', { key: 'env' })).toEqual({});
    await lab.user.ok('deleteTags', {
      resourceids: ids.join(','),
      resourcetype: 'Template',
      'tags[0].key': 'env',
    });
    expect((await lab.user.ok('listTags')).tag.map(({ key }: Json) => key)).toEqual(['os', 'os']);
    await lab.user.ok('deleteTags', { resourceids: ids.join(','), resourcetype: 'Template' });
    expect(await lab.user.ok('listTags')).toEqual({});
  });

  test('change on own templates only, all or none', async () => {
    const [own, theirs] = [await lab.template(lab.user), await lab.template(lab.other)];
    const { status } = await lab.user.call('createTags', {
      resourceids: `${own.templateId},${theirs.templateId}`,
      resourcetype: 'Template',
      'tags[0].key': 'a',
      'tags[0].value': 'b',
    });
    expect(status).toBe(431);
    expect(await lab.user.ok('listTags')).toEqual({});
  });
});

describe('the limit of templates', () => {
  test('is set by administrators, visible to its account, and enforced at registration', async () => {
    const limited = await lab.newUser('limited', 'user');
    await lab.template(limited);
    const set = await lab.admin.ok('updateResourceLimit', { account: 'limited', resourcetype: 4, max: 1 });
    expect(set.resourcelimit).toMatchObject({ account: 'limited', resourcetype: '4', max: 1 });
    expect((await limited.ok('listResourceLimits', { resourcetype: 4 })).resourcelimit[0].max).toBe(1);
    const image = {
      name: 'one more',
      url: 'http://a.example/b.qcow2',
      format: 'QCOW2',
      hypervisor: 'KVM',
      zoneid: lab.zone.uuid,
      directdownload: true,
    };
    const { status, inner } = await limited.call('registerTemplate', image);
    expect([status, inner.cserrorcode]).toEqual([532, 4370]);
    expect(inner.errortext).toMatch(/has 1 templates and ISOs, and may have 1/);
    await lab.admin.ok('updateResourceLimit', { account: 'limited', resourcetype: 4, max: -1 });
    expect((await limited.ok('listResourceLimits', { resourcetype: 4 })).resourcelimit[0].max).toBe(-1);
    await limited.ok('registerTemplate', image);
    const own = await lab.admin.ok('updateResourceLimit', { resourcetype: 4, max: 100 });
    expect(own.resourcelimit).toMatchObject({ account: 'root', max: 100 });
    expect((await limited.call('updateResourceLimit', { account: 'limited', resourcetype: 4 })).status).toBe(
      401,
    );
    expect((await lab.admin.call('updateResourceLimit', { account: 'x', resourcetype: 4 })).status).toBe(431);
  });
});
