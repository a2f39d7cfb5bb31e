# The roles of the couriers, borrowed by the sites' machines, and those of people: auditors, and who erases.

locals {
  couriers = {
    upload = module.documents.upload
    keys   = module.documents.keys
  }
}

resource "aws_iam_role" "courier" {
  for_each = toset(["upload", "keys"])

  name                 = "${local.name}-${each.key}"
  description          = "karakuri-courier --role ${each.key}, tenant ${var.tenant}"
  assume_role_policy   = module.documents.trust
  max_session_duration = 3600
  tags                 = local.tags
}

resource "aws_iam_role_policy" "courier" {
  for_each = local.couriers

  name   = each.key
  role   = aws_iam_role.courier[each.key].id
  policy = each.value
}

resource "aws_iam_role" "auditor" {
  name                 = "${local.name}-auditor"
  description          = "Reads and opens artifacts of tenant ${var.tenant}"
  assume_role_policy   = module.documents.trust_auditor
  max_session_duration = 3600
  tags                 = local.tags
}

resource "aws_iam_role_policy" "auditor" {
  name   = "auditor"
  role   = aws_iam_role.auditor.id
  policy = module.documents.auditor
}

resource "aws_iam_role" "eraser" {
  count = length(var.erasers) > 0 ? 1 : 0

  name                 = "${local.name}-eraser"
  description          = "Erases a person's data of tenant ${var.tenant}"
  assume_role_policy   = module.documents.trust_eraser
  max_session_duration = 3600
  tags                 = local.tags
}

resource "aws_iam_role_policy" "eraser" {
  count = length(var.erasers) > 0 ? 1 : 0

  name   = "eraser"
  role   = aws_iam_role.eraser[0].id
  policy = module.documents.eraser
}
