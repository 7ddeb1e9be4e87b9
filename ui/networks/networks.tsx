/** The list of networks that network cards of machines are connected to. */
import { Table, Text } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useList } from '../api/queries.ts';
import { useIsAdmin, useSession } from '../api/session.ts';
import type { Network } from '../../model/api-answers.ts';
import { useAction } from '../elements/action-button.tsx';
import { Confirm } from '../elements/confirm.tsx';
import { Dialog } from '../elements/dialog.tsx';
import { Empty } from '../elements/empty.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { NetworkForm } from './network-form.tsx';

export default function Networks(): ReactNode {
  const [page] = usePage();
  const { data, error, isLoading } = useList<Network>('listNetworks', 'network', {
    listall: true,
    page,
    pagesize: PAGE_SIZE,
  });
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Networks">
        <Dialog
          label="Create a network"
          title="Create a network"
          leftSection={<IconPlus size={16} aria-hidden />}
        >
          {(close) => <NetworkForm onDone={close} />}
        </Dialog>
      </ViewHead>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <Empty title="No network yet">
          Create one: the network cards of instances are connected to it, by a network that hosts offer.
        </Empty>
      ) : (
        <Rows rows={rows} />
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function Rows({ rows }: { readonly rows: readonly Network[] }): ReactNode {
  const isAdmin = useIsAdmin();
  return (
    <Table verticalSpacing="sm" className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Name</Table.Th>
          <Table.Th w="10%">Type</Table.Th>
          {isAdmin && <Table.Th w="20%">Network of the hosts</Table.Th>}
          <Table.Th w="16%">Addresses</Table.Th>
          <Table.Th w="12%">Zone</Table.Th>
          <Table.Th w="14%">For</Table.Th>
          <Table.Th w={120}>Actions</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Row key={row.id} network={row} />
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Row({ network }: { readonly network: Network }): ReactNode {
  const { name, displaytext, type, hostnetwork, vlan, cidr, zonename, acltype, account } = network;
  const session = useSession();
  const isOwn = session?.isAdmin === true || session?.account === account;
  return (
    <Table.Tr>
      <Table.Td data-label="Name" className="long">
        <div>
          {name}
          {displaytext !== name && (
            <Text size="sm" c="dimmed">
              {displaytext}
            </Text>
          )}
        </div>
      </Table.Td>
      <Table.Td data-label="Type">{type}</Table.Td>
      {session?.isAdmin === true && (
        <Table.Td data-label="Network of the hosts" className="long">
          {hostnetwork ?? 'as the zone says'}
          {vlan === undefined ? '' : `, VLAN ${vlan}`}
        </Table.Td>
      )}
      <Table.Td data-label="Addresses" className="long">
        {cidr ?? 'by others'}
      </Table.Td>
      <Table.Td data-label="Zone">{zonename}</Table.Td>
      <Table.Td data-label="For" className="long">
        {acltype === 'Domain' ? 'all accounts' : account}
      </Table.Td>
      <Table.Td data-label="Actions">{isOwn && <Remove network={network} />}</Table.Td>
    </Table.Tr>
  );
}

function Remove({ network: { id, name } }: { readonly network: Network }): ReactNode {
  const remove = useAction('deleteNetwork', `Network ${name} was deleted`, { asJob: true });
  return (
    <Confirm
      label="Delete"
      name={`Delete ${name}`}
      title={`Delete network ${name}?`}
      size="compact-sm"
      icon={<IconTrash size={14} aria-hidden />}
      disabled={remove.isPending}
      onConfirm={() => remove.act({ id })}
    >
      Only a network to which no instance is connected can be deleted.
    </Confirm>
  );
}
