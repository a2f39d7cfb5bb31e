output "site_toml" {
  description = "site.toml of each site, ready: terraform output -json site_toml | jq -r '.\"SITE\"'."
  value       = module.documents.site_toml
}

output "bucket" {
  description = "The tenant's bucket."
  value       = aws_s3_bucket.tenant.id
}

output "audit_bucket" {
  description = "The bucket with the locked copies of audit/."
  value       = aws_s3_bucket.audit.id
}

output "key_arn" {
  description = "The tenant's key."
  value       = aws_kms_key.tenant.arn
}

output "auditor_role_arn" {
  description = "The role that opens artifacts."
  value       = aws_iam_role.auditor.arn
}

output "eraser_role_arn" {
  description = "The role that erases a person's data, if there is one."
  value       = one(aws_iam_role.eraser[*].arn)
}

output "queue_urls" {
  description = "The queues: jobs, events, and the dead letters of both."
  value       = { for name, queue in aws_sqs_queue.queue : name => queue.url }
}
