"""The official raw RSA keyring and client, as the two scripts next to this file use them."""

import aws_encryption_sdk
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateRawRsaKeyringInput, PaddingScheme
from aws_encryption_sdk import CommitmentPolicy


def client():
    """A client that neither writes nor reads messages without key commitment."""
    return aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
    )


def raw_rsa(namespace, name, **keys):
    """RSA-OAEP with SHA-256 and MGF1 with SHA-256; keys are `public_key` or `private_key`, PEM bytes."""
    providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
    return providers.create_raw_rsa_keyring(
        input=CreateRawRsaKeyringInput(
            key_namespace=namespace,
            key_name=name,
            padding_scheme=PaddingScheme.OAEP_SHA256_MGF1,
            **keys,
        )
    )
