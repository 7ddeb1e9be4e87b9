import { TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useCommand } from '../api/queries.ts';
import type { Cluster } from '../../model/api-answers.ts';
import { Form } from '../elements/form.tsx';
import { refusalOf } from '../elements/refusal.ts';

export interface ClusterFormProps {
  readonly zoneid: string;
  /** Absent: a new one. */
  readonly cluster?: Cluster;
  readonly onDone: () => void;
}

export function ClusterForm({ zoneid, cluster, onDone }: ClusterFormProps): ReactNode {
  const [clustername, setName] = useState(cluster?.name ?? '');
  const save = useCommand(cluster === undefined ? 'addCluster' : 'updateCluster', { onDone });
  const refusal = refusalOf(save.error, ['clustername']);
  return (
    <Form
      bare
      refusal={refusal}
      submit={cluster === undefined ? 'Add' : 'Save'}
      isPending={save.isPending}
      onSubmit={() =>
        save.mutate({
          ...(cluster === undefined
            ? { zoneid, hypervisor: 'KVM', clustertype: 'CloudManaged' }
            : { id: cluster.id }),
          clustername,
        })
      }
    >
      <TextInput
        label="Name"
        required
        data-autofocus
        value={clustername}
        error={refusal.of('clustername')}
        onChange={(event) => setName(event.currentTarget.value)}
      />
    </Form>
  );
}
