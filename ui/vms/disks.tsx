/** The disks of a machine, and the copy of the image below each. */
import { Anchor, Table } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useList } from '../api/queries.ts';
import type { Deployment, VirtualMachine, Volume } from '../../model/api-answers.ts';
import { PoolLink } from '../elements/name-link.tsx';
import { bytes } from '../elements/quantities.ts';

export function Disks({ vm }: { readonly vm: VirtualMachine }): ReactNode {
  const { data } = useList<Volume>('listVolumes', 'volume', { virtualmachineid: vm.id, listall: true });
  const copies = useCopiesOf(vm);
  return (
    <Table className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Disk</Table.Th>
          <Table.Th w="14%">State</Table.Th>
          <Table.Th w="14%">Size</Table.Th>
          <Table.Th w="16%">Storage pool</Table.Th>
          <Table.Th w="24%">Base image</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {(data?.rows ?? []).map((volume) => (
          <Table.Tr key={volume.id}>
            <Table.Td data-label="Disk" className="long">
              {volume.name}
            </Table.Td>
            <Table.Td data-label="State">{volume.state}</Table.Td>
            <Table.Td data-label="Size">
              {volume.size > 0 ? bytes(volume.size) : 'as large as the image'}
            </Table.Td>
            <Table.Td data-label="Storage pool" className="long">
              {volume.storage !== undefined && <PoolLink id={volume.storageid}>{volume.storage}</PoolLink>}
            </Table.Td>
            <Table.Td data-label="Base image" className="long">
              <CopyLink volume={volume} copies={copies} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** The copies of the machine's image. The API lists them to the owner of the image, and to administrators. */
export const useCopiesOf = ({ templateid }: VirtualMachine): readonly Deployment[] =>
  useList<Deployment>('listTemplateDeployments', 'templatedeployment', { templateid }).data?.rows ?? [];

function CopyLink({
  volume,
  copies,
}: {
  readonly volume: Volume;
  readonly copies: readonly Deployment[];
}): ReactNode {
  const { storage, templateid, templatename } = volume;
  if (templateid === undefined || templatename === undefined) return 'none: it began empty';
  const copy = copies.find((one) => one.storagename === storage && one.templateid === templateid);
  if (copy === undefined) return templatename;
  return (
    <Anchor component={Link} href={`/deployments/${copy.id}`}>
      the copy of {templatename}
    </Anchor>
  );
}
