/** The certificates that hosts trust for downloads: the validity of each, and its state on each host. */
import { Button, Card, Group, Stack, Title } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { LIVE } from '../api/queries.ts';
import { Confirm } from '../elements/confirm.tsx';
import { Empty } from '../elements/empty.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { useCertificateActions, useProvisionOnAll } from './actions.ts';
import { conditionOf } from './expiry.ts';
import { CertificateFacts } from './facts.tsx';
import { HostStates } from './host-states.tsx';
import { useCertificates } from './list.ts';
import type { Certificate } from '../../model/api-answers.ts';

export default function Certificates(): ReactNode {
  const [page] = usePage();
  const { data, error, isLoading } = useCertificates(
    { listhosts: true, page, pagesize: PAGE_SIZE },
    { every: LIVE * 2 },
  );
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Certificates">
        <Button
          component={Link}
          href="/certificates/upload"
          leftSection={<IconUpload size={16} aria-hidden />}
        >
          Upload a certificate
        </Button>
      </ViewHead>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <Empty title="No certificate yet">
          Hosts trust the public authorities. For a mirror with a certificate of a private one, upload that
          authority here: every host of the zone has it before its next download.
        </Empty>
      ) : (
        <Stack>
          {rows.map((certificate) => (
            <CertificateCard key={certificate.id} certificate={certificate} />
          ))}
        </Stack>
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function CertificateCard({ certificate }: { readonly certificate: Certificate }): ReactNode {
  const { mood, word } = conditionOf(certificate);
  const { revoke, remove } = useCertificateActions(certificate);
  const provision = useProvisionOnAll(certificate);
  const { alias, revoked, zonename, hostsmap = [] } = certificate;
  const without = hostsmap.filter(({ status }) => status === 'REVOKED');
  return (
    <Card withBorder component="article" aria-label={alias}>
      <Group justify="space-between" mb="sm">
        <Group gap="sm">
          <Title order={2} size="h4" className="long">
            {alias}
          </Title>
          <StateBadge mood={mood}>{word}</StateBadge>
        </Group>
        <Group gap="xs">
          {without.length > 1 && (
            <Button
              variant="light"
              size="compact-sm"
              aria-label={`Provision on all: ${alias}`}
              loading={provision.isPending}
              onClick={() => provision.mutate(without)}
            >
              Provision on all
            </Button>
          )}
          {!revoked && (
            <Button
              color="orange"
              variant="light"
              size="compact-sm"
              aria-label={`Revoke ${alias}`}
              title={`Takes it from every host of zone ${zonename}; each can be provisioned with it again.`}
              loading={revoke.isPending}
              onClick={() => revoke.start()}
            >
              Revoke
            </Button>
          )}
          <Confirm
            label="Delete"
            name={`Delete ${alias}`}
            title={`Delete ${alias}?`}
            size="compact-sm"
            disabled={remove.isPending}
            onConfirm={() => remove.start()}
          >
            It is taken from every host of zone {zonename} and forgotten; downloads that need it fail from
            then on.
          </Confirm>
        </Group>
      </Group>
      <CertificateFacts of={certificate} />
      <Title order={3} size="h5" mt="md" mb="xs">
        On hosts
      </Title>
      <HostStates certificate={certificate} />
    </Card>
  );
}
