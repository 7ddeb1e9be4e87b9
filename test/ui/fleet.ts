/** Many hosts, each with a pool, and a shared pool of all of them. They exist in the database only. */
import { sql } from 'kysely';
import { selfSigned } from '../support/certificates.ts';
import { rawDisk } from '../support/images.ts';
import { isFullRun } from '../support/programs.ts';
import { fullTestOf } from '../labs/ui.ts';
import type { UiLab } from '../labs/ui.ts';

const HOSTS = isFullRun ? 1000 : 250;
const A_PAGE = 25;
const nameOf = (n: number): string => `fleet-${String(n).padStart(4, '0')}`;
/** Hosts that no first page of a list has. */
const [LAST, HALFWAY, FAR] = [HOSTS, HOSTS / 2, HOSTS * 0.8].map(nameOf) as [string, string, string];

export function fleet(opened: () => UiLab): void {
  const fully = fullTestOf(opened);

  fully(
    `with ${HOSTS} hosts, warnings name the first problems and count the rest, and the lists find each host`,
    async ({ page, go, press, heading, row }) => {
      const lab = opened();
      lab.server.serve('/for-many', { body: rawDisk(1_048_576) });
      const image = await lab.register({ url: lab.server.url('/for-many') });
      await lab.call('uploadTemplateDirectDownloadCertificate', {
        name: 'fleet-ca',
        certificate: selfSigned().cert,
        hypervisor: 'KVM',
        zoneid: lab.zoneId,
      });
      await appear(lab);
      try {
        await go('/');
        await page.getByText(`${HOSTS} hosts are down`).waitFor();
        await press('link', `and ${HOSTS - 5} more`);
        await heading('Hosts');
        await page.getByText(`${HOSTS} in all`).waitFor();
        await press('button', `Page ${HOSTS / A_PAGE}`);
        await row(LAST).waitFor();
        await page.getByRole('textbox', { name: 'Search by name' }).fill(HALFWAY);
        await row(HALFWAY).waitFor();
        await go('/pools?keyword=fleet-shared');
        await page.getByText(`and ${HOSTS - 8} more, 0 of them up, mounted`).waitFor();
        await go('/certificates');
        const certificate = page.getByRole('article', { name: 'fleet-ca' });
        await certificate.getByText(`Of ${HOSTS + 1} hosts, installed on 1, failed on ${HOSTS}.`).waitFor();
        expect(await certificate.locator('tbody tr').count()).toBe(8);
        await certificate.getByRole('button', { name: 'Show 100 more' }).click();
        await row('fleet-0108').waitFor();
        await go(`/templates/${image.id}`);
        await press('button', 'Deploy');
        const dialog = page.getByRole('dialog');
        await dialog.getByText(new RegExp(`^These are ${A_PAGE} of ${HOSTS / 10}\\d pools`)).waitFor();
        await dialog.getByRole('textbox', { name: 'Search by name' }).fill(FAR);
        // None of these hosts is up.
        await dialog.getByText('no host that is up mounts it').first().waitFor();
        expect(await dialog.getByRole('checkbox', { name: FAR }).isDisabled()).toBe(true);
      } finally {
        await vanish(lab);
      }
    },
  );
}

async function appear({ db }: UiLab): Promise<void> {
  await sql`
    with place as (select data_center_id, id as cluster_id from cluster order by id limit 1),
    made as (
      insert into host (uuid, name, data_center_id, cluster_id, resource_state, signing_key, sealing_key)
      select gen_random_uuid(), 'fleet-' || to_char(n, 'FM0000'), place.data_center_id, place.cluster_id,
        'Enabled', 'none-' || n, 'none-' || n
      from generate_series(1, ${HOSTS}) as n, place returning id, name, data_center_id, cluster_id),
    pools as (
      insert into storage_pool (uuid, name, pool_type, scope, data_center_id, cluster_id)
      select gen_random_uuid(), name, 'Filesystem', 'HOST', data_center_id, cluster_id from made
      union all select gen_random_uuid(), 'fleet-shared', 'NetworkFilesystem', 'ZONE', data_center_id, null from place
      returning id, name)
    insert into storage_pool_host_ref (pool_id, host_id, local_path, mounted)
    select pools.id, made.id, '/pool', true
    from made join pools on pools.name in (made.name, 'fleet-shared')`.execute(db);
}

async function vanish(lab: UiLab): Promise<void> {
  for (const table of ['host', 'storage_pool'] as const) {
    await lab.db.deleteFrom(table).where('name', 'like', 'fleet-%').execute();
  }
  const { directdownloadcertificate: [certificate] = [] } = await lab.call<{
    readonly directdownloadcertificate?: readonly { readonly id: string }[];
  }>('listTemplateDirectDownloadCertificates', { keyword: 'fleet-ca' });
  await lab.call('deleteTemplateDirectDownloadCertificate', { id: certificate?.id ?? '' });
}
