"""The U-Net family as plain `torch.nn.Module` classes, and their description."""
