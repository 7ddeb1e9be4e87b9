/** Zones and their clusters. */
import { Card, Group, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useList } from '../api/queries.ts';
import type { Cluster, Zone } from '../../model/api-answers.ts';
import { useAction } from '../elements/action-button.tsx';
import { Confirm } from '../elements/confirm.tsx';
import { Dialog } from '../elements/dialog.tsx';
import { Empty } from '../elements/empty.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { ClusterForm } from './cluster-form.tsx';
import { ZoneForm } from './zone-form.tsx';

export default function Zones(): ReactNode {
  const [page] = usePage();
  const { data, error, isLoading } = useList<Zone>('listZones', 'zone', { page, pagesize: PAGE_SIZE });
  const clusters = useList<Cluster>('listClusters', 'cluster').data?.rows ?? [];
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Zones">
        <Dialog label="Create a zone" title="Create a zone" leftSection={<IconPlus size={16} aria-hidden />}>
          {(close) => <ZoneForm onDone={close} />}
        </Dialog>
      </ViewHead>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <Empty title="No zone yet">Create one, then a cluster in it; hosts join a cluster.</Empty>
      ) : (
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          {rows.map((zone) => (
            <ZoneCard
              key={zone.id}
              zone={zone}
              clusters={clusters.filter(({ zoneid }) => zoneid === zone.id)}
            />
          ))}
        </SimpleGrid>
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function ZoneCard({
  zone,
  clusters,
}: {
  readonly zone: Zone;
  readonly clusters: readonly Cluster[];
}): ReactNode {
  const { id, name } = zone;
  const remove = useAction('deleteZone', `Zone ${name} was deleted`);
  return (
    <Card withBorder component="article" aria-label={name}>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4" className="long">
          {name}
        </Title>
        <Group gap="xs">
          <Dialog
            label="Change"
            name={`Change ${name}`}
            title={`Change zone ${name}`}
            size="compact-sm"
            variant="light"
          >
            {(close) => <ZoneForm zone={zone} onDone={close} />}
          </Dialog>
          <Confirm
            label="Delete"
            name={`Delete ${name}`}
            title={`Delete zone ${name}?`}
            size="compact-sm"
            icon={<IconTrash size={14} aria-hidden />}
            disabled={remove.isPending}
            onConfirm={() => remove.act({ id })}
          >
            Only a zone without hosts, pools and templates can be deleted.
          </Confirm>
        </Group>
      </Group>
      <Stack gap="xs">
        {zone.demandallmirrors === true && (
          <Text size="sm">A registration demands that every URL of a metalink can be reached.</Text>
        )}
        <Group justify="space-between">
          <Title order={3} size="h5">
            Clusters
          </Title>
          <Dialog
            label="Add a cluster"
            name={`Add a cluster to ${name}`}
            title={`Add a cluster to ${name}`}
            size="compact-sm"
            variant="light"
          >
            {(close) => <ClusterForm zoneid={id} onDone={close} />}
          </Dialog>
        </Group>
        {clusters.length === 0 ? (
          <Text size="sm" c="dimmed">
            None yet; hosts join a cluster.
          </Text>
        ) : (
          <Table>
            <Table.Tbody>
              {clusters.map((cluster) => (
                <ClusterRow key={cluster.id} cluster={cluster} />
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Stack>
    </Card>
  );
}

function ClusterRow({ cluster }: { readonly cluster: Cluster }): ReactNode {
  const { id, name, zoneid } = cluster;
  const remove = useAction('deleteCluster', `Cluster ${name} was deleted`);
  return (
    <Table.Tr>
      <Table.Td className="long">{name}</Table.Td>
      <Table.Td>
        <Group gap="xs" justify="flex-end">
          <Dialog
            label="Rename"
            name={`Rename ${name}`}
            title={`Rename cluster ${name}`}
            size="compact-sm"
            variant="light"
          >
            {(close) => <ClusterForm zoneid={zoneid} cluster={cluster} onDone={close} />}
          </Dialog>
          <Confirm
            label="Delete"
            name={`Delete ${name}`}
            title={`Delete cluster ${name}?`}
            size="compact-sm"
            disabled={remove.isPending}
            onConfirm={() => remove.act({ id })}
          >
            Only a cluster without hosts can be deleted.
          </Confirm>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}
