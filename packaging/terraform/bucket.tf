# The tenant's bucket: SITE/runs/, SITE/events/ and SITE/audit/ of every site.

locals {
  # What has a prefix of its own in each site, and how long it is kept.
  prefixes = merge([
    for site in local.sites : {
      "${site}/events/" = var.retention_days.event
      "${site}/audit/"  = local.audit_days
    }
  ]...)
}

resource "aws_s3_bucket" "tenant" {
  # checkov:skip=CKV_AWS_144: a copy of everything in another region is var.replica; copies of audit/ are always made
  bucket = local.bucket
  tags   = local.tags
}

resource "aws_s3_bucket_ownership_controls" "tenant" {
  bucket = aws_s3_bucket.tenant.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "tenant" {
  bucket                  = aws_s3_bucket.tenant.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "tenant" {
  bucket = aws_s3_bucket.tenant.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "tenant" {
  bucket = aws_s3_bucket.tenant.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.tenant.arn
    }
  }
}

resource "aws_s3_bucket_policy" "tenant" {
  bucket = aws_s3_bucket.tenant.id
  policy = module.documents.bucket

  depends_on = [aws_s3_bucket_public_access_block.tenant]
}

resource "aws_s3_bucket_lifecycle_configuration" "tenant" {
  bucket = aws_s3_bucket.tenant.id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # The objects of a run lie together, so their class is a tag, which the courier writes with them.
  dynamic "rule" {
    for_each = module.documents.lifecycle.days

    content {
      id     = "class-${rule.key}"
      status = "Enabled"

      filter {
        tag {
          key   = module.documents.lifecycle.tag
          value = rule.key
        }
      }

      expiration {
        days = rule.value
      }

      noncurrent_version_expiration {
        noncurrent_days = var.deleted_days
      }
    }
  }

  dynamic "rule" {
    for_each = local.prefixes

    content {
      id     = replace(trimsuffix(rule.key, "/"), "/", "-")
      status = "Enabled"

      filter {
        prefix = rule.key
      }

      expiration {
        days = rule.value
      }

      noncurrent_version_expiration {
        noncurrent_days = var.deleted_days
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.tenant]
}

resource "aws_s3_bucket_logging" "tenant" {
  count = var.access_log_bucket == null ? 0 : 1

  bucket        = aws_s3_bucket.tenant.id
  target_bucket = var.access_log_bucket
  target_prefix = "${local.bucket}/"
}

# What appears under events/ is news: the bucket tells the queue, and EventBridge where wanted.
resource "aws_s3_bucket_notification" "tenant" {
  bucket      = aws_s3_bucket.tenant.id
  eventbridge = var.eventbridge

  dynamic "queue" {
    for_each = local.sites

    content {
      id            = "events-${queue.value}"
      queue_arn     = aws_sqs_queue.queue["events"].arn
      events        = ["s3:ObjectCreated:*"]
      filter_prefix = "${queue.value}/events/"
    }
  }

  depends_on = [aws_sqs_queue_policy.queue]
}
