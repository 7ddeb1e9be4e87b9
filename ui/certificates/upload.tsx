/** Has all hosts of a zone trust a certificate; the answer shows what was read in it, and how it went on each host. */
import {
  Alert,
  Button,
  Card,
  Fieldset,
  Group,
  NativeSelect,
  Paper,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { type ReactNode, type SubmitEvent, useState } from 'react';
import { Link } from 'wouter';
import { parameterOf } from '../api/client.ts';
import { useCommand, useList } from '../api/queries.ts';
import type { Zone } from '../api/shapes.ts';
import { ViewHead } from '../elements/view-head.tsx';
import { CertificateFacts } from './facts.tsx';
import { HostStates } from './host-states.tsx';
import { PemField } from './pem-field.tsx';
import type { Certificate } from './shapes.ts';

const BLANK = { name: '', certificate: '', zoneid: '', clientcertificate: '', privatekey: '' };
type Form = typeof BLANK;

interface Answer {
  readonly uploadtemplatedirectdownloadcertificate: Certificate;
}

export default function UploadCertificate(): ReactNode {
  const [form, setForm] = useState(BLANK);
  const zones = useList<Zone>('listZones', 'zone').data?.rows ?? [];
  const upload = useCommand<Answer>('uploadTemplateDirectDownloadCertificate');
  const change = (changes: Partial<Form>): void => setForm((before) => ({ ...before, ...changes }));
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    upload.mutate(
      { ...form, zoneid: form.zoneid || zones[0]?.id, hypervisor: 'KVM' },
      { onSuccess: () => setForm(BLANK) },
    );
  };
  const uploaded = upload.data?.uploadtemplatedirectdownloadcertificate;
  const message = upload.error?.message;
  const about = parameterOf(upload.error);
  const errorOf = (field: keyof Form): string | undefined => (about === field ? message : undefined);
  return (
    <>
      <ViewHead title="Upload a certificate" />
      {uploaded !== undefined && <Uploaded certificate={uploaded} />}
      <Paper component="form" onSubmit={submit} withBorder p="md" maw={820}>
        <Stack>
          <TextInput
            label="Alias"
            description="letters, digits and hyphens; one of a kind in the zone"
            required
            value={form.name}
            error={errorOf('name')}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
          <NativeSelect
            label="Zone"
            data={zones.map(({ id, name }) => ({ value: id, label: name }))}
            value={form.zoneid}
            error={errorOf('zoneid')}
            onChange={(event) => change({ zoneid: event.currentTarget.value })}
          />
          <PemField
            label="Certificate"
            description="Of the mirror itself, of the authority that issued it, a chain or a bundle, in PEM."
            required
            value={form.certificate}
            error={errorOf('certificate')}
            onChange={(certificate) => change({ certificate })}
          />
          <Fieldset legend="For mutual TLS">
            <Stack>
              <PemField
                label="Client certificate"
                value={form.clientcertificate}
                error={errorOf('clientcertificate')}
                onChange={(clientcertificate) => change({ clientcertificate })}
              />
              <PemField
                label="Private key"
                description="In PEM, without a passphrase. It is kept sealed, and never shown again."
                value={form.privatekey}
                error={errorOf('privatekey')}
                onChange={(privatekey) => change({ privatekey })}
              />
            </Stack>
          </Fieldset>
          {message !== undefined && !(about !== undefined && about in BLANK) && (
            <Alert color="red" variant="light" role="alert">
              {message}
            </Alert>
          )}
          <Group>
            <Button type="submit" loading={upload.isPending}>
              Upload
            </Button>
            <Button variant="default" component={Link} href="/certificates">
              Back
            </Button>
          </Group>
        </Stack>
      </Paper>
    </>
  );
}

function Uploaded({ certificate }: { readonly certificate: Certificate }): ReactNode {
  return (
    <Card withBorder mb="md" maw={820} role="status">
      <Title order={2} size="h4">
        {certificate.alias} was uploaded
      </Title>
      <CertificateFacts of={certificate} />
      <Text fw={600} mt="md" mb="xs">
        On hosts
      </Text>
      <HostStates certificate={certificate} />
    </Card>
  );
}
