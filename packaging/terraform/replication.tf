# From the tenant's bucket: audit/ of every site into the locked bucket, and everything into
# var.replica where there is one.

resource "aws_iam_role" "replication" {
  name                 = "${local.name}-replication"
  description          = "Copies of what tenant ${var.tenant} stores, made by S3"
  assume_role_policy   = module.documents.trust_replication
  max_session_duration = 3600
  tags                 = local.tags
}

resource "aws_iam_role_policy" "replication" {
  name   = "replication"
  role   = aws_iam_role.replication.id
  policy = module.documents.replication
}

resource "aws_s3_bucket_replication_configuration" "tenant" {
  bucket = aws_s3_bucket.tenant.id
  role   = aws_iam_role.replication.arn

  dynamic "rule" {
    for_each = { for index, site in local.sites : site => index + 1 }

    content {
      id       = "audit-${rule.key}"
      status   = "Enabled"
      priority = rule.value

      filter {
        prefix = "${rule.key}/audit/"
      }

      delete_marker_replication {
        status = "Disabled"
      }

      source_selection_criteria {
        sse_kms_encrypted_objects {
          status = "Enabled"
        }
      }

      destination {
        bucket = aws_s3_bucket.audit.arn

        encryption_configuration {
          replica_kms_key_id = aws_kms_key.tenant.arn
        }
      }
    }
  }

  dynamic "rule" {
    for_each = var.replica == null ? [] : [var.replica]

    content {
      id       = "everything"
      status   = "Enabled"
      priority = length(local.sites) + 1
      filter {}

      delete_marker_replication {
        status = "Disabled"
      }

      source_selection_criteria {
        sse_kms_encrypted_objects {
          status = "Enabled"
        }
      }

      destination {
        bucket  = rule.value.bucket_arn
        account = rule.value.account

        # What goes into another account is that account's own.
        dynamic "access_control_translation" {
          for_each = rule.value.account == local.account ? [] : ["Destination"]

          content {
            owner = access_control_translation.value
          }
        }

        encryption_configuration {
          replica_kms_key_id = rule.value.key_arn
        }
      }
    }
  }

  depends_on = [
    aws_iam_role_policy.replication,
    aws_s3_bucket_object_lock_configuration.audit,
    aws_s3_bucket_versioning.audit,
    aws_s3_bucket_versioning.tenant,
  ]
}
