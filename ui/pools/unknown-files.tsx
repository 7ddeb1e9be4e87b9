/** Files of a pool that Bypass does not know: an administrator decides about each. */
import { Group, Table, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useList } from '../api/queries.ts';
import type { StoragePool, StoragePoolFile } from '../../model/api-answers.ts';
import { ActionButton, useAction } from '../elements/action-button.tsx';
import { Confirm } from '../elements/confirm.tsx';
import { bytes } from '../elements/quantities.ts';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';

/** Files on the page; the command lists all. */
const SHOWN = 100;

export function UnknownFiles({ pool }: { readonly pool: StoragePool }): ReactNode {
  const { data, error } = useList<StoragePoolFile>('listStoragePoolFiles', 'storagepoolfile', {
    storageid: pool.id,
    kind: 'Unknown',
    page: 1,
    pagesize: SHOWN,
  });
  const { rows = [], count = 0 } = data ?? {};
  return (
    <section>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">
          Files that Bypass does not know
        </Title>
        <ActionButton
          label="Clean up"
          name={`Clean up ${pool.name}`}
          command="cleanupStoragePool"
          values={{ id: pool.id }}
          done={`${pool.name} was cleaned up`}
          asJob
        />
      </Group>
      <Trouble error={error} />
      {rows.length === 0 ? (
        <Text c="dimmed">
          {pool.lastcleanup === undefined ? 'Nobody has looked yet.' : 'There are none.'}
        </Text>
      ) : (
        <Table verticalSpacing="sm" className="cards" layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th w="16%">Size</Table.Th>
              <Table.Th w="18%">Written</Table.Th>
              <Table.Th w="16%">Action</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((file) => (
              <FileRow key={file.id} file={file} poolId={pool.id} />
            ))}
          </Table.Tbody>
        </Table>
      )}
      {count > rows.length && (
        <Text c="dimmed">
          {rows.length} of {count}; <code>bypass pool files {pool.name}</code> lists all of them.
        </Text>
      )}
    </section>
  );
}

function FileRow({ file, poolId }: { readonly file: StoragePoolFile; readonly poolId: string }): ReactNode {
  const { id, name, type, size, modified } = file;
  const remove = useAction('removeStoragePoolFiles', undefined, { asJob: true });
  return (
    <Table.Tr>
      <Table.Td data-label="Name" className="long">
        <code>{name}</code>
      </Table.Td>
      <Table.Td data-label="Size">{type === 'file' ? bytes(size) : type}</Table.Td>
      <Table.Td data-label="Written">
        <Time of={modified} />
      </Table.Td>
      <Table.Td data-label="Action">
        <Confirm
          label="Remove"
          name={`Remove ${name}`}
          title={`Remove ${name}?`}
          size="compact-sm"
          disabled={type !== 'file' || remove.isPending}
          onConfirm={() => remove.act({ id: poolId, fileids: id })}
        >
          It cannot be brought back. It stays if a virtual machine or another disk uses it; the events say so.
        </Confirm>
      </Table.Td>
    </Table.Tr>
  );
}
