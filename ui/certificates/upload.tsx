/** Uploads a certificate for all hosts of a zone. The answer shows the parsed certificate and the result on each host. */
import { Card, Fieldset, NativeSelect, Stack, Text, TextInput, Title } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useCommand, useList } from '../api/queries.ts';
import type { Zone } from '../../model/api-answers.ts';
import { Form } from '../elements/form.tsx';
import { refusalOf } from '../elements/refusal.ts';
import { ViewHead } from '../elements/view-head.tsx';
import { CertificateFacts } from './facts.tsx';
import { HostStates } from './host-states.tsx';
import { PemField } from './pem-field.tsx';
import type { Certificate } from '../../model/api-answers.ts';

const FIELDS = ['name', 'zoneid', 'certificate', 'clientcertificate', 'privatekey'] as const;
const BLANK = { name: '', zoneid: '', certificate: '', clientcertificate: '', privatekey: '' };

interface Answer {
  readonly uploadtemplatedirectdownloadcertificate: Certificate;
}

export default function UploadCertificate(): ReactNode {
  const [form, setForm] = useState(BLANK);
  const zones = useList<Zone>('listZones', 'zone').data?.rows ?? [];
  const upload = useCommand<Answer>('uploadTemplateDirectDownloadCertificate');
  const change = (changes: Partial<typeof BLANK>): void => setForm((before) => ({ ...before, ...changes }));
  const submit = (): void => {
    upload.mutate(
      { ...form, zoneid: form.zoneid || zones[0]?.id, hypervisor: 'KVM' },
      { onSuccess: () => setForm(BLANK) },
    );
  };
  const uploaded = upload.data?.uploadtemplatedirectdownloadcertificate;
  const refusal = refusalOf(upload.error, FIELDS);
  return (
    <>
      <ViewHead title="Upload a certificate" />
      {uploaded !== undefined && <Uploaded certificate={uploaded} />}
      <Form
        refusal={refusal}
        submit="Upload"
        isPending={upload.isPending}
        back="/certificates"
        maxWidth={820}
        onSubmit={submit}
      >
        <TextInput
          label="Alias"
          description="letters, digits and hyphens; one of a kind in the zone"
          required
          value={form.name}
          error={refusal.of('name')}
          onChange={(event) => change({ name: event.currentTarget.value })}
        />
        <NativeSelect
          label="Zone"
          data={zones.map(({ id, name }) => ({ value: id, label: name }))}
          value={form.zoneid}
          error={refusal.of('zoneid')}
          onChange={(event) => change({ zoneid: event.currentTarget.value })}
        />
        <PemField
          label="Certificate"
          description="Of the mirror itself, of the authority that issued it, a chain or a bundle, in PEM."
          required
          value={form.certificate}
          error={refusal.of('certificate')}
          onChange={(certificate) => change({ certificate })}
        />
        <Fieldset legend="For mutual TLS">
          <Stack>
            <PemField
              label="Client certificate"
              value={form.clientcertificate}
              error={refusal.of('clientcertificate')}
              onChange={(clientcertificate) => change({ clientcertificate })}
            />
            <PemField
              label="Private key"
              description="In PEM, without a passphrase. It is kept sealed, and never shown again."
              value={form.privatekey}
              error={refusal.of('privatekey')}
              onChange={(privatekey) => change({ privatekey })}
            />
          </Stack>
        </Fieldset>
      </Form>
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
