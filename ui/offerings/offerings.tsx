/** The list of service offerings: what machines may have of processors, memory and disk. */
import { Group, Table, Text } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useList } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { ServiceOffering } from '../../model/api-answers.ts';
import { useAction } from '../elements/action-button.tsx';
import { Confirm } from '../elements/confirm.tsx';
import { Dialog } from '../elements/dialog.tsx';
import { Empty } from '../elements/empty.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { sizeOfVm } from '../vms/vm-state.ts';
import { OfferingForm } from './offering-form.tsx';

export default function Offerings(): ReactNode {
  const isAdmin = useIsAdmin();
  const [page] = usePage();
  const { data, error, isLoading } = useList<ServiceOffering>('listServiceOfferings', 'serviceoffering', {
    page,
    pagesize: PAGE_SIZE,
  });
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Offerings">
        {isAdmin && (
          <Dialog
            label="Create an offering"
            title="Create an offering"
            leftSection={<IconPlus size={16} aria-hidden />}
          >
            {(close) => <OfferingForm onDone={close} />}
          </Dialog>
        )}
      </ViewHead>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <Empty title="No offering yet">
          {isAdmin
            ? 'Create one: each instance has its processors and memory from an offering.'
            : 'An administrator creates them: each instance has its processors and memory from an offering.'}
        </Empty>
      ) : (
        <Rows rows={rows} isAdmin={isAdmin} />
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function Rows({
  rows,
  isAdmin,
}: {
  readonly rows: readonly ServiceOffering[];
  readonly isAdmin: boolean;
}): ReactNode {
  return (
    <Table verticalSpacing="sm" className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Name</Table.Th>
          <Table.Th w="20%">Processors and memory</Table.Th>
          <Table.Th w="14%">Disk</Table.Th>
          <Table.Th w="14%">Storage</Table.Th>
          {isAdmin && <Table.Th w="16%">Tags</Table.Th>}
          {isAdmin && <Table.Th w={200}>Actions</Table.Th>}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Table.Tr key={row.id}>
            <Table.Td data-label="Name" className="long">
              <div>
                {row.name}
                {row.displaytext !== row.name && (
                  <Text size="sm" c="dimmed">
                    {row.displaytext}
                  </Text>
                )}
              </div>
            </Table.Td>
            <Table.Td data-label="Processors and memory">{sizeOfVm(row)}</Table.Td>
            <Table.Td data-label="Disk">
              {row.rootdisksize === undefined ? 'as large as the image' : `${row.rootdisksize} GiB`}
            </Table.Td>
            <Table.Td data-label="Storage">
              {row.storagetype}, {row.provisioningtype}
            </Table.Td>
            {isAdmin && (
              <Table.Td data-label="Tags" className="long">
                {tagsOf(row)}
              </Table.Td>
            )}
            {isAdmin && (
              <Table.Td data-label="Actions">
                <Actions offering={row} />
              </Table.Td>
            )}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

const tagsOf = ({ storagetags, hosttags }: ServiceOffering): string =>
  [
    ...(storagetags === undefined ? [] : [`pools: ${storagetags}`]),
    ...(hosttags === undefined ? [] : [`hosts: ${hosttags}`]),
  ].join('; ') || 'none';

function Actions({ offering }: { readonly offering: ServiceOffering }): ReactNode {
  const { id, name } = offering;
  const remove = useAction('deleteServiceOffering', `Offering ${name} was deleted`);
  return (
    <Group gap="xs">
      <Dialog
        label="Change"
        name={`Change ${name}`}
        title={`Change offering ${name}`}
        size="compact-sm"
        variant="light"
      >
        {(close) => <OfferingForm offering={offering} onDone={close} />}
      </Dialog>
      <Confirm
        label="Delete"
        name={`Delete ${name}`}
        title={`Delete offering ${name}?`}
        size="compact-sm"
        icon={<IconTrash size={14} aria-hidden />}
        disabled={remove.isPending}
        onConfirm={() => remove.act({ id })}
      >
        Instances that have it keep it; no new one can have it.
      </Confirm>
    </Group>
  );
}
